dnl SPDX-License-Identifier: Apache-2.0

dnl WH_APXS(VARIABLE, QUERY, [optional]): what apxs says; no answer ends
dnl configure unless it is optional.
AC_DEFUN([WH_APXS], [
    $1=`$APXS -q $2 2>/dev/null`
    m4_if([$3], [optional], [], [AS_IF([test -z "$[]$1"],
        [AC_MSG_ERROR([$APXS has no answer to "-q $2"])])])])

dnl WH_TRY_FLAG(VARIABLE, FLAG): appends FLAG if the compiler knows it.
AC_DEFUN([WH_TRY_FLAG], [
    AC_MSG_CHECKING([if $CC knows $2])
    wh_saved_cflags="$CFLAGS"
    CFLAGS="$CFLAGS -Werror $2"
    AC_COMPILE_IFELSE([AC_LANG_PROGRAM([], [])],
        [AC_MSG_RESULT([yes]); $1="$[]$1 $2"], [AC_MSG_RESULT([no])])
    CFLAGS="$wh_saved_cflags"])
