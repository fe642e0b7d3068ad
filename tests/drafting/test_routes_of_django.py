"""The routes, bodies and tables that `harness init` finds in a Django project."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.drafting.test_routes import told

URLS = """
urlpatterns = [path("admin/", admin.site.urls), path("api/", include("shop.urls"))]
"""
SHOP_URLS = """
urlpatterns = [
    path("orders/<int:pk>/", views.numbered),
    path("orders/<slug:ref>/", views.one),
    path("orders/", csrf_exempt(views.orders)),
]
"""
SHOP_VIEWS = """
def one(request, ref): ...

@require_POST
def numbered(request, pk): ...

def orders(request):
    if request.method == "POST":
        data = json.loads(request.body)
        Order.objects.create(ref=data["ref"], total=data["total"])
"""
SHOP_MODELS = """
class Audit(models.Model):
    text = models.TextField()

class Order(models.Model):
    ref = models.CharField(max_length=200, unique=True)
    total = models.CharField(max_length=20)
"""
PROJECT = {"site/urls.py": URLS, "shop/urls.py": SHOP_URLS, "shop/views.py": SHOP_VIEWS, "shop/models.py": SHOP_MODELS}


def test_a_django_projects_routes_are_found_below_their_includes_with_its_table(tmp_path: Path) -> None:
    project = told(tmp_path, {**PROJECT, "site/settings.py": "DATABASES = {'default': dj_database_url.config()}"})
    assert (project.method, project.path, project.read) == ("POST", "/api/orders/", "/api/orders/{id}/")
    assert project.body == '{"ref": "{id}", "total": "text"}'
    assert project.sql == "SELECT ref AS id FROM shop_order"
    assert project.links == {"postgres": "DATABASE_URL"}
    assert project.whence["stored"] == "shop/models.py"


ROUTER = """
router.register("a", Shown)
router.register(r"o", Rest)
urlpatterns = [path("v1/", include(router.urls))]
"""
VIEWS = """
class Orders(APIView):
    def post(self, request):
        save(request.data["number"])

class Rest(ModelViewSet):
    lookup_field = "number"

class Shown(ReadOnlyModelViewSet): ...

class Ready(generics.CreateAPIView): ...

@api_view(["PUT"])
def put(request, key): ...

def turned(request):
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
"""


@pytest.mark.parametrize(
    ("urls", "method", "path", "read"),
    [
        ('urlpatterns = [path("o", Orders.as_view())]', "POST", "/o", ""),
        ('urlpatterns = [path("o", Ready.as_view())]', "POST", "/o", ""),
        ('urlpatterns = [path("o/<key>", put), path("o", turned)]', "PUT", "/o/{id}", ""),
        ('urlpatterns = [path("o", turned)]', "POST", "/o", ""),
        (ROUTER, "POST", "/v1/o/", "/v1/o/{id}/"),
        (
            'urlpatterns = [re_path("^o$", turned), path("n/<int:n>", put), path("gone", gone)]',
            "PUT",
            "/n/{number}",
            "",
        ),
    ],
)
def test_a_django_view_takes_what_its_kind_says(urls: str, method: str, path: str, read: str, tmp_path: Path) -> None:
    project = told(tmp_path, {"urls.py": urls, "views.py": VIEWS})
    assert (project.method, project.path, project.read) == (method, path, read)


@pytest.mark.parametrize(
    ("model", "sql"),
    [
        ('class Order(models.Model):\n class Meta:\n  db_table = "orders"', "SELECT id FROM orders"),
        ("class Order(models.Model):\n note = models.TextField()\n ref = models.TextField()",
         "SELECT ref AS id FROM shop_order"),
        ("class Order(Base): ...", ""),
    ],
)  # fmt: skip
def test_the_table_of_a_django_model(model: str, sql: str, tmp_path: Path) -> None:
    assert told(tmp_path, {"shop/models/order.py": model}).sql == sql
