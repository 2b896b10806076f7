/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/tap.h"
int main(void) { return done_testing(); }
