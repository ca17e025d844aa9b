#!/bin/sh
# Checks drachtio-server's settings, writes its configuration and becomes drachtio-server. docs/deployment.md lists the
# settings.
set -eu
umask 077

fail() {
  echo "drachtio-entrypoint: $*" >&2
  exit 64
}

# Fails unless the variable named $1 is unset, empty or matches the pattern $2, described by $3. Values stand in XML as
# they are.
check() {
  eval "value=\${$1:-}"
  [ -n "$value" ] || return 0
  if ! printf %s "$value" | LC_ALL=C grep -Eqx -- "$2" || [ "$(printf %s "$value" | wc -l)" -ne 0 ]; then
    fail "$1 must be $3"
  fi
}

if [ -n "${DRACHTIO_SECRET_FILE:-}" ]; then
  [ -z "${DRACHTIO_SECRET:-}" ] || fail 'DRACHTIO_SECRET and DRACHTIO_SECRET_FILE are both set'
  [ -r "$DRACHTIO_SECRET_FILE" ] || fail "cannot read $DRACHTIO_SECRET_FILE"
  DRACHTIO_SECRET=$(cat "$DRACHTIO_SECRET_FILE")
fi
[ -n "${DRACHTIO_SECRET:-}" ] || fail 'no secret: set DRACHTIO_SECRET_FILE or DRACHTIO_SECRET'
secret=$DRACHTIO_SECRET

address='[0-9]{1,3}(\.[0-9]{1,3}){3}'
check DRACHTIO_SECRET '[A-Za-z0-9_.~+/=-]{16,256}' '16 to 256 letters, digits or _.~+/=-'
check DRACHTIO_ADMIN_ADDRESS "$address" 'an IPv4 address'
check DRACHTIO_ADMIN_TCP_PORT '[1-9][0-9]{0,4}' 'a port number'
check DRACHTIO_SIP_ADDRESS "$address" 'an IPv4 address'
check DRACHTIO_SIP_PORT '[1-9][0-9]{0,4}' 'a port number'
check DRACHTIO_EXTERNAL_ADDRESS "$address" 'an IPv4 address'
check DRACHTIO_LOCAL_NETWORK "$address/[0-9]{1,2}" 'a network like 10.0.0.0/8'
check DRACHTIO_LOGLEVEL 'debug|info|notice|warning|error' 'one of debug, info, notice, warning, error'
admin_address=${DRACHTIO_ADMIN_ADDRESS:-127.0.0.1}
admin_port=${DRACHTIO_ADMIN_TCP_PORT:-9022}
contact="sip:${DRACHTIO_SIP_ADDRESS:-127.0.0.1}:${DRACHTIO_SIP_PORT:-5060};transport=udp,tcp"
log_level=${DRACHTIO_LOGLEVEL:-notice}

attributes=
if [ -n "${DRACHTIO_EXTERNAL_ADDRESS:-}" ]; then attributes=" external-ip=\"$DRACHTIO_EXTERNAL_ADDRESS\""; fi
if [ -n "${DRACHTIO_LOCAL_NETWORK:-}" ]; then attributes="$attributes local-net=\"$DRACHTIO_LOCAL_NETWORK\""; fi

state=${DRACHTIO_STATE_DIRECTORY:-/run/landbridge-drachtio}
if ! mkdir -p "$state" || ! cd "$state"; then fail "cannot write in $state"; fi
cat >drachtio.conf.xml <<END
<drachtio>
  <admin port="$admin_port" secret="$secret">$admin_address</admin>
  <sip>
    <contacts>
      <contact$attributes>$contact</contact>
    </contacts>
  </sip>
  <cdrs>false</cdrs>
  <logging>
    <console/>
    <sofia-loglevel>1</sofia-loglevel>
    <loglevel>$log_level</loglevel>
  </logging>
</drachtio>
END

program=${DRACHTIO_PROGRAM:-drachtio}
command -v "$program" >/dev/null || fail 'drachtio-server is not installed'
# drachtio-server reads variables of its own, some of the same names: it finds all in the file.
unset DRACHTIO_SECRET DRACHTIO_ADMIN_ADDRESS DRACHTIO_ADMIN_TCP_PORT DRACHTIO_LOGLEVEL
exec "$program" -f drachtio.conf.xml
