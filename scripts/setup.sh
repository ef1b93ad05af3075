# sh scripts/setup.sh [--dev]: finds a Python that fits and lets it do the rest (setup.py beside this file).
for python in python3 python3.14 python3.13 python3.12 python3.11; do
    if "$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null; then
        if "$python" -c 'import venv, ensurepip' 2>/dev/null; then
            exec "$python" scripts/setup.py "$@"
        fi
        without_venv=$python
    fi
done
if [ -n "${without_venv:-}" ]; then
    echo "$without_venv cannot make virtual environments: install its venv package (Debian: apt install python3-venv)." >&2
elif found=$(python3 --version 2>/dev/null); then
    echo "Python 3.11 to 3.14 is needed, and only $found was found." >&2
else
    echo "Python 3.11 to 3.14 is needed, and no python3 was found." >&2
fi
exit 1
