#!/bin/sh
# Write deploy/*.env with random passwords and keys for docker-compose.yml. Files that exist are kept.
set -eu
cd "$(dirname "$0")/../deploy"
umask 077

if [ -e postgres.env ] || [ -e redis.env ] || [ -e airflow.env ]; then
    echo "deploy/*.env exist already and are kept; delete all of them to make new ones" >&2
    echo "(a database that was made with the old passwords keeps those)" >&2
    exit 1
fi

# Letters and digits only, so that no quoting anywhere matters.
random() {
    LC_ALL=C tr -dc 'A-Za-z0-9' </dev/urandom | head -c "$1"
}

airflow=$(random 32)
workflows=$(random 32)
redis=$(random 32)
# A Fernet key is 32 bytes in URL-safe base64.
fernet=$(head -c 32 /dev/urandom | base64 | tr '+/' '-_')

cat >postgres.env <<END
POSTGRES_USER=postgres
POSTGRES_PASSWORD=$(random 32)
AIRFLOW_PASSWORD=$airflow
WORKFLOWS_PASSWORD=$workflows
END

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
AIRFLOW_CONN_WORKFLOWS_DEFAULT=postgresql://workflows:$workflows@postgres:5432/workflows
_AIRFLOW_WWW_USER_USERNAME=admin
_AIRFLOW_WWW_USER_PASSWORD=$(random 24)
END

echo "Wrote deploy/postgres.env, deploy/redis.env and deploy/airflow.env"
echo "The administrator's name and password are in deploy/airflow.env"
