#!/bin/sh
# Runs once, when PostgreSQL's data are made: a database and an owner for Airflow, and one for the workflows, with the
# roles of their components. The migration gives those their rights.
set -eu

create() {
    psql --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
        --set "name=$1" --set "password=$2" <<'SQL'
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name";
-- The locks of a process whose connection nobody closes are released.
ALTER DATABASE :"name" SET idle_in_transaction_session_timeout = '5min';
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
SQL
}

component() {
    psql --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
        --set "name=workflows_$1" --set "password=$2" <<'SQL'
CREATE ROLE :"name" LOGIN PASSWORD :'password';
GRANT CONNECT ON DATABASE workflows TO :"name";
SQL
}

create airflow "$AIRFLOW_PASSWORD"
create workflows "$WORKFLOWS_PASSWORD"
component api "$WORKFLOWS_API_PASSWORD"
component worker "$WORKFLOWS_WORKER_PASSWORD"
component maintenance "$WORKFLOWS_MAINTENANCE_PASSWORD"
component reader "$WORKFLOWS_READER_PASSWORD"
