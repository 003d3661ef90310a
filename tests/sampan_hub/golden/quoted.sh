#!/bin/bash
# Sampan: attempt sampan-demo-abcd1234-1. Made by the broker; holds no secret.
umask 077
export HOME=/srv/alpha/home/alice
export SAMPAN_CENTRE=alpha
export SAMPAN_CENTRE_EN='O'"'"'Neill'"'"'s `id` $(id) "${HOME}" \ ; | & > /tmp/x # %s {{x}} !'
export SAMPAN_CENTRE_ZH='“引号”与$(id)'
export SAMPAN_SHARE=light
export SAMPAN_SCHEDULER=process
export SAMPAN_CORES=2
export SAMPAN_MEMORY_MIB=4096
export SAMPAN_MINUTES=120
export SAMPAN_LAUNCH=abcd1234
export SAMPAN_KIND=server
export SAMPAN_TAG=sampan-demo-abcd1234-1
export SAMPAN_ATTEMPT_DIR=/srv/alpha/home/alice/.sampan/attempts/sampan-demo-abcd1234-1
export SAMPAN_NONCE=00112233445566778899aabbccddeeff
export SAMPAN_CLIENT_KEY='ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILLfWe3dpxM2JiFXp8E4pFrXGj7Mm4GbLi+DtIGP0L5X'
export SAMPAN_BIND=127.0.0.1
cd /srv/alpha/home/alice || exit 67
exec /opt/sampan/venv/bin/python -P -m sampan_kernels.launcher
