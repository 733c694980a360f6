#!/bin/sh
# Runs once, when PostgreSQL's data are made: a database and an owner for Airflow, and one for the workflows.
set -eu

create() {
    psql --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
        --set "name=$1" --set "password=$2" <<'SQL'
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name";
SQL
}

create airflow "$AIRFLOW_PASSWORD"
create workflows "$WORKFLOWS_PASSWORD"
