# Shared by the scripts: .venv, and this checkout installed in it. Run at the top of the checkout.
# VENV=build/venv-3.13 names another folder than .venv.
venv=${VENV:-.venv}

is_recent() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

fail() {
    echo "$1" >&2
    exit 1
}

choose_python() {
    local candidate
    if [[ -n "${PYTHON:-}" ]]; then
        is_recent "$PYTHON" || fail "PYTHON=$PYTHON is not Python 3.11 or newer; name one that is."
        echo "$PYTHON"
        return
    fi
    for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
        if is_recent "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    fail "hsw2v needs Python 3.11 or newer, and none was found; install one, or name it: PYTHON=/path/to/python $0"
}

# Print a Python of a version such as 3.12, on the PATH or among those of pyenv, or nothing.
find_python() {
    local candidate
    for candidate in "python$1" ~/.pyenv/versions/"$1"*/bin/python; do
        if "$candidate" -c "import sys; sys.exit('%d.%d' % sys.version_info[:2] != '$1')" >/dev/null 2>&1; then
            echo "$candidate"
            return
        fi
    done
}

# Make .venv unless it is there, and install this checkout with an extra ("" or "[test]") unless
# it is installed. The install is editable, so what runs is always the code that is checked out.
make_environment() {
    local extra=$1 python wanted
    if [[ -e "$venv" ]]; then
        is_recent "$venv/bin/python" || fail "The folder $venv holds no working Python 3.11 or newer; remove it and try again."
    else
        python=$(choose_python)
        "$python" -m venv "$venv" || {
            rm -rf "$venv"
            fail "$python could not make a virtual environment; install its venv module (on Debian and Ubuntu the package python3-venv)."
        }
    fi
    wanted="$("$venv/bin/python" -V) $PWD $(cksum <pyproject.toml)"
    if [[ "$(cat "$venv/installed$extra" 2>/dev/null)" != "$wanted" ]]; then
        echo "Installing hsw2v$extra into $venv ..."
        "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --editable ".$extra" ||
            fail "The installation failed; the lines above say why."
        echo "$wanted" >"$venv/installed$extra"
    fi
}
