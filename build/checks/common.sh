# SPDX-License-Identifier: Apache-2.0
# Sourced by the guards: "guard SRCDIR [BUILDDIR]" prints what is wrong, one
# line each, and ends with 0 (in order), 1 (not) or 77 (cannot be run here).

[ $# -ge 1 ] || {
    echo "usage: ${0##*/} SRCDIR [BUILDDIR]" >&2
    exit 2
}
LC_ALL=C
export LC_ALL
src=$(cd "$1" && pwd -P) || exit 2
build=$(cd "${2:-$1}" && pwd -P) || exit 2
cd "$src" || exit 2

# True if the tree is a repository of its own, not an archive that was
# unpacked somewhere inside another one.
in_repository()
{
    [ "$(git rev-parse --show-toplevel 2>/dev/null)" = "$src" ]
}

# Files of the project, ignored and generated ones left out as far as known.
project_files()
{
    if in_repository; then
        git ls-files --cached --others --exclude-standard
    else
        find . \( -name .git -o -name .libs -o -name .deps -o -name '_build' \
            -o -name '_inst' \) -prune -o -type f -print | sed 's|^\./||'
    fi | while IFS= read -r file; do
        [ -f "$file" ] && printf '%s\n' "$file"
    done | sort
}

# Sources whose name matches an extended regular expression.
files_like()
{
    project_files | grep -E "$1"
}

# What the compiler needs to know, as the build would tell it.
compile_flags()
{
    apxs=${APXS:-$(command -v apxs || command -v apxs2)}
    apr=${APR_CONFIG:-$("$apxs" -q APR_CONFIG 2>/dev/null)}
    apu=${APU_CONFIG:-$("$apxs" -q APU_CONFIG 2>/dev/null)}
    printf '%s ' -std=gnu99 "-I$src/mod_webhook" "-I$src/include" \
        "-I$build/mod_webhook" "-I$build"
    "${apr:-apr-1-config}" --includes --cppflags
    "${apu:-apu-1-config}" --includes
    echo "-I$("$apxs" -q INCLUDEDIR)"
    pkg-config --cflags libcurl jansson openssl
}

# need PROGRAM...: ends the guard as "cannot be run" if one is missing.
need()
{
    for program in "$@"; do
        command -v "$program" >/dev/null 2>&1 || {
            echo "$program is not installed"
            exit 77
        }
    done
}
