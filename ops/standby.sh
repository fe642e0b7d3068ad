#!/bin/sh
# Makes a standby of the primary at PGHOST and PGPORT in the folder PGDATA, has the primary wait for it with each commit, and
# runs it at the port STANDBY_PORT. In compose.yaml the primary could not be told to wait from its start: what prepares its
# data commits, too.
set -eu

until pg_isready --quiet; do sleep 0.2; done
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    pg_basebackup --dbname application_name=standby1 --pgdata "$PGDATA" --write-recovery-conf --checkpoint fast
    chmod 700 "$PGDATA"
fi
psql --quiet --command "ALTER SYSTEM SET synchronous_standby_names = 'standby1'" --command "SELECT pg_reload_conf()" >/dev/null
port=$STANDBY_PORT
unset PGHOST PGPORT
exec postgres -D "$PGDATA" -c listen_addresses=127.0.0.1 -c "port=$port" -c "unix_socket_directories=${SOCKETS:-/tmp}"
