#!/bin/sh
# Makes the secrets of docker-compose.yml in ./secrets, or in the directory that is named. Leaves those alone that are
# there already.
set -eu

directory=${1:-secrets}
# The containers' users read the files, each the few that it is given; on this machine the directory keeps others out.
mkdir -p "$directory"
chmod 0700 "$directory"

# Writes the text to the file named $1, unless it is there.
keep() {
  if [ -e "$directory/$1" ]; then
    echo "$directory/$1 is there already"
  else
    printf '%s\n' "$2" >"$directory/$1"
    chmod 0444 "$directory/$1"
    echo "$directory/$1 made"
  fi
}

random() {
  od -An -N24 -tx1 /dev/urandom | tr -d ' \n'
}

keep landbridge_password "$(random)"
keep landbridge_token_secret "$(random)"
keep redis_password "$(random)"
keep drachtio_secret "$(random)"
keep freeswitch_secret "$(random)"
# The same once more, as the gateway takes it: where the server is, and its secret.
keep landbridge_drachtio "127.0.0.1:9022:$(cat "$directory/drachtio_secret")"
keep landbridge_freeswitch "127.0.0.1:8021:$(cat "$directory/freeswitch_secret")"
