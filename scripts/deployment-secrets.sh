#!/bin/sh
# Write deploy/*.env with random passwords and keys for docker-compose.yml. Files that exist are kept.
set -eu
cd "$(dirname "$0")/../deploy"
umask 077

# Letters and digits only, so that no quoting anywhere matters.
random() {
    LC_ALL=C tr -dc 'A-Za-z0-9' </dev/urandom | head -c "$1"
}

# Nothing else knows this password, so a deployment without it gets one.
if [ ! -e grafana.env ]; then
    cat >grafana.env <<END
GF_SECURITY_ADMIN_USER=admin
GF_SECURITY_ADMIN_PASSWORD=$(random 24)
END
    echo "Wrote grafana.env in deploy"
fi

for file in postgres redis airflow administrator owner api worker maintenance; do
    if [ -e "$file.env" ]; then
        echo "The other deploy/*.env exist already and are kept; delete all of them to make new ones" >&2
        echo "(a database that was made with the old passwords keeps those)" >&2
        exit 1
    fi
done

airflow=$(random 32)
workflows=$(random 32)
api=$(random 32)
worker=$(random 32)
maintenance=$(random 32)
redis=$(random 32)
# A Fernet key is 32 bytes in URL-safe base64.
fernet=$(head -c 32 /dev/urandom | base64 | tr '+/' '-_')

cat >postgres.env <<END
POSTGRES_USER=postgres
POSTGRES_PASSWORD=$(random 32)
AIRFLOW_PASSWORD=$airflow
WORKFLOWS_PASSWORD=$workflows
WORKFLOWS_API_PASSWORD=$api
WORKFLOWS_WORKER_PASSWORD=$worker
WORKFLOWS_MAINTENANCE_PASSWORD=$maintenance
WORKFLOWS_READER_PASSWORD=$(random 32)
END

# The connection of the workflow database differs: each part of Airflow has the role that it needs.
connection() {
    cat >"$1.env" <<END
AIRFLOW_CONN_WORKFLOWS_$2=postgresql://$3:$4@postgres:5432/workflows
END
}

connection owner DEFAULT workflows "$workflows"
connection api DEFAULT workflows_api "$api"
connection worker DEFAULT workflows_worker "$worker"
connection maintenance MAINTENANCE workflows_maintenance "$maintenance"

cat >redis.env <<END
REDIS_PASSWORD=$redis
END

cat >airflow.env <<END
AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=postgresql+psycopg2://airflow:$airflow@postgres:5432/airflow
AIRFLOW__CELERY__RESULT_BACKEND=db+postgresql+psycopg2://airflow:$airflow@postgres:5432/airflow
AIRFLOW__CELERY__BROKER_URL=redis://:$redis@redis:6379/0
AIRFLOW__CORE__FERNET_KEY=$fernet
AIRFLOW__API__SECRET_KEY=$(random 48)
AIRFLOW__API_AUTH__JWT_SECRET=$(random 64)
END

cat >administrator.env <<END
ADMINISTRATOR_NAME=admin
ADMINISTRATOR_PASSWORD=$(random 24)
END

echo "Wrote postgres, redis, airflow, administrator, owner, api, worker and maintenance (.env) in deploy"
echo "The administrator's name and password are in deploy/administrator.env"
