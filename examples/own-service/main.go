// Orders: an HTTP service that stores each order under its id, once.
package main

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	_ "github.com/lib/pq"
)

const schema = `CREATE TABLE IF NOT EXISTS orders (id text PRIMARY KEY, body bytea NOT NULL, digest text NOT NULL)`

type orders struct{ db *sql.DB }

func main() {
	db, err := sql.Open("postgres", os.Getenv("DATABASE_URL"))
	if err != nil {
		log.Fatal(err)
	}
	db.SetMaxOpenConns(10)
	if len(os.Args) > 1 && os.Args[1] == "migrate" {
		if _, err := db.Exec(schema); err != nil {
			log.Fatal(err)
		}
		return
	}
	service := orders{db}
	routes := http.NewServeMux()
	routes.HandleFunc("GET /alive", func(answer http.ResponseWriter, _ *http.Request) { answer.WriteHeader(204) })
	routes.HandleFunc("PUT /orders/{id}", service.put)
	routes.HandleFunc("GET /orders/{id}", service.get)
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Getenv("PORT"))
	if err != nil {
		log.Fatal(err)
	}
	server := &http.Server{Handler: routes}
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGTERM)
	go func() {
		<-ended
		server.Shutdown(context.Background())
	}()
	log.Printf("listening on %s", listener.Addr())
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		log.Fatal(err)
	}
}

func (service orders) put(answer http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(answer, request.Body, 65536))
	if err != nil {
		http.Error(answer, "the body is too large", 413)
		return
	}
	sum := sha256.Sum256(body)
	_, err = service.db.ExecContext(request.Context(),
		"INSERT INTO orders VALUES ($1, $2, $3)", request.PathValue("id"), body, hex.EncodeToString(sum[:]))
	if err != nil {
		log.Print(err)
		http.Error(answer, err.Error(), 500)
		return
	}
	answer.WriteHeader(201)
}

func (service orders) get(answer http.ResponseWriter, request *http.Request) {
	var body []byte
	err := service.db.QueryRowContext(request.Context(),
		"SELECT body FROM orders WHERE id = $1", request.PathValue("id")).Scan(&body)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		http.NotFound(answer, request)
	case err != nil:
		log.Print(err)
		http.Error(answer, err.Error(), 500)
	default:
		answer.Write(body)
	}
}
