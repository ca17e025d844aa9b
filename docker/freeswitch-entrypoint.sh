#!/bin/sh
# Checks FreeSWITCH's settings, reads its secret and becomes FreeSWITCH. docs/deployment.md lists the settings.
set -eu
umask 077

fail() {
  echo "freeswitch-entrypoint: $*" >&2
  exit 64
}

# Fails unless the variable named $1 is unset or matches the pattern $2, described by $3. Values stand in XML as they are.
check() {
  eval "value=\${$1:-}"
  if [ -z "$value" ]; then
    unset "$1" # Compose gives empty ones, which would replace the defaults.
  elif ! printf %s "$value" | LC_ALL=C grep -Eqx -- "$2" || [ "$(printf %s "$value" | wc -l)" -ne 0 ]; then
    fail "$1 must be $3"
  fi
}

if [ -n "${FREESWITCH_EVENT_SOCKET_SECRET_FILE:-}" ]; then
  [ -z "${FREESWITCH_EVENT_SOCKET_SECRET:-}" ] ||
    fail 'FREESWITCH_EVENT_SOCKET_SECRET and FREESWITCH_EVENT_SOCKET_SECRET_FILE are both set'
  [ -r "$FREESWITCH_EVENT_SOCKET_SECRET_FILE" ] || fail "cannot read $FREESWITCH_EVENT_SOCKET_SECRET_FILE"
  FREESWITCH_EVENT_SOCKET_SECRET=$(cat "$FREESWITCH_EVENT_SOCKET_SECRET_FILE")
  export FREESWITCH_EVENT_SOCKET_SECRET
fi
[ -n "${FREESWITCH_EVENT_SOCKET_SECRET:-}" ] ||
  fail 'no secret: set FREESWITCH_EVENT_SOCKET_SECRET_FILE or FREESWITCH_EVENT_SOCKET_SECRET'
check FREESWITCH_EVENT_SOCKET_SECRET '[A-Za-z0-9_.~+/=-]{16,256}' '16 to 256 letters, digits or _.~+/=-'

address='[0-9]{1,3}(\.[0-9]{1,3}){3}'
network="$address(/[0-9]{1,2})?"
for name in EVENT_SOCKET_ADDRESS SIP_ADDRESS RTP_ADDRESS RTP_EXTERNAL_ADDRESS; do
  check "FREESWITCH_$name" "$address" 'an IPv4 address'
done
for name in EVENT_SOCKET_NETWORKS SIP_NETWORKS; do
  check "FREESWITCH_$name" "$network(,$network){0,31}" 'up to 32 IPv4 addresses or networks like 10.0.0.0/8, separated by commas'
done
for name in EVENT_SOCKET_PORT SIP_PORT RTP_FIRST_PORT RTP_LAST_PORT; do
  check "FREESWITCH_$name" '[1-9][0-9]{0,4}' 'a port number'
done
for name in MAX_SESSIONS SESSIONS_PER_SECOND; do
  check "FREESWITCH_$name" '[1-9][0-9]{0,5}' 'a number from 1 to 999999'
done
check FREESWITCH_CODECS '[A-Za-z0-9@.]+(,[A-Za-z0-9@.]+){0,15}' 'names of codecs separated by commas'
check FREESWITCH_LOG_LEVEL 'debug|info|notice|warning|err|crit|alert' 'one of debug, info, notice, warning, err, crit, alert'

# Everything FreeSWITCH writes goes there: its database and the configuration as it was read, secret included.
state=${FREESWITCH_STATE_DIRECTORY:-/var/lib/landbridge-freeswitch}
configuration=${FREESWITCH_CONFIGURATION_DIRECTORY:-/etc/landbridge-freeswitch}
[ -r "$configuration/freeswitch.xml" ] || fail "cannot read $configuration/freeswitch.xml"
for directory in log db run cache temp storage recordings; do
  mkdir -p "$state/$directory" || fail "cannot write in $state"
done

# The image's own program, where the search path does not know it.
program=${FREESWITCH_PROGRAM:-freeswitch}
if ! command -v "$program" >/dev/null; then
  program=/usr/local/freeswitch/bin/freeswitch
  [ -x "$program" ] || fail 'FreeSWITCH is not installed'
fi

# Into a pipe FreeSWITCH would write its log by the 4 kB.
lines=
if command -v stdbuf >/dev/null; then lines='stdbuf -oL'; fi

# -nonat: asks no router for ports. -np: does without real-time priority, which a container has no right to.
exec $lines "$program" -c -np -nonat -conf "$configuration" -log "$state/log" -db "$state/db" -run "$state/run" \
  -cache "$state/cache" -temp "$state/temp" -storage "$state/storage" -recordings "$state/recordings" </dev/null
