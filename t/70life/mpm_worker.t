# SPDX-License-Identifier: Apache-2.0
# Kills, restarts and stops under load, with the MPM worker.
use strict;
use warnings FATAL => 'all';

use WebhookLife ();

WebhookLife::suite('worker');
