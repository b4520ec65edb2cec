# Sourced by .ci/run: where the services listen, how a stopped one is started, whether each answers.

export TEST_POSTGRES_URL="${TEST_POSTGRES_URL:-postgres://postgres@127.0.0.1:5432/postgres}"
export TEST_MARIADB_URL="${TEST_MARIADB_URL:-mysql://root@127.0.0.1:3306/test}"
export TEST_REDIS_URL="${TEST_REDIS_URL:-redis://127.0.0.1:6379/0}"
export TEST_RABBITMQ_URL="${TEST_RABBITMQ_URL:-amqp://guest:guest@127.0.0.1:5672//}"

# answers URL: something accepts connections at the host and port of the URL.
answers() {
    local address="${1#*://}"
    address="${address##*@}"
    address="${address%%/*}"
    (exec 3<>"/dev/tcp/${address%%:*}/${address##*:}") 2>/dev/null
}

start_postgres() {
    local folder
    for folder in /etc/postgresql/*; do
        pg_ctlcluster --skip-systemctl-redirect "$(basename "$folder")" main start
    done
}

start_mariadb() {
    start-stop-daemon --start --oknodo --background --exec "$(command -v mariadbd)"
}

start_redis() {
    redis-server --daemonize yes --bind 127.0.0.1 --port 6379 --save "" --appendonly no
}

start_rabbitmq() {
    rabbitmq-server -detached
}

# need_service NAME URL: the service answers now, or does within a minute of being started.
need_service() {
    local name="$1" url="$2" attempt
    answers "$url" && return 0
    echo "$name does not answer: starting it"
    "start_$name" || true
    for attempt in $(seq 60); do
        answers "$url" && return 0
        sleep 1
    done
    echo "$name does not answer at ${url##*@}: start it, or set TEST_${name^^}_URL" >&2
    return 1
}

need_services() {
    local failed=0
    need_service postgres "$TEST_POSTGRES_URL" || failed=1
    need_service mariadb "$TEST_MARIADB_URL" || failed=1
    need_service redis "$TEST_REDIS_URL" || failed=1
    need_service rabbitmq "$TEST_RABBITMQ_URL" || failed=1
    return "$failed"
}
