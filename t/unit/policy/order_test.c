/* SPDX-License-Identifier: Apache-2.0 */
/* What deliveries must come one after the other. */
#include "policy/order.h"
#include "unit/tap.h"

static apr_int64_t key(const char *name, apr_int32_t number)
{
    return wh_order_key(WH_ORDERING_KEY, name, number);
}

int main(void)
{
    ok(wh_order_key(WH_ORDERING_NONE, "sale.changed", 7) == WH_ORDER_FREE,
       "without an order");
    ok(wh_order_key(WH_ORDERING_WEBHOOK, "sale.changed", 7) ==
           wh_order_key(WH_ORDERING_WEBHOOK, "contact.created", 8),
       "all of a webhook");
    ok(wh_order_key(WH_ORDERING_WEBHOOK, "sale.changed", 7) > 0, "a key");
    ok(key("sale.changed", 7) == key("sale.created", 7),
       "the same entity and number");
    ok(key("Sale.changed", 7) == key("sale.changed", 7), "in any case");
    ok(key("sale.changed", 7) != key("sale.changed", 8), "another number");
    ok(key("sale.changed", -1) != key("sale.changed", 1), "a negative one");
    ok(key("sale.changed", 7) != key("contact.changed", 7), "another entity");
    ok(key("list.sale.changed", 7) == key("list.sale.deleted", 7),
       "an entity of two parts");
    ok(key("list.sale.changed", 7) != key("list.x.changed", 7),
       "... is not another one of two");
    ok(key("a", 0) > 1 && key("a", -2147483647 - 1) > 1,
       "never the key of all, never none");
    return done_testing();
}
