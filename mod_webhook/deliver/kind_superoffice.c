/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kind "webhook": callbacks as SuperOffice sends them.
 */
#include "deliver/kind_superoffice.h"

#include "deliver/payload.h"
#include "deliver/target.h"
#include "policy/sign.h"

#define SIGNATURE "X-SuperOffice-Signature"

static apr_status_t render(wh_parcel_t *body, const wh_attempt_t *attempt)
{
    const wh_target_t *target = attempt->target;

    body->head = 0;
    body->text = wh_payload_render(
        &body->length, attempt->event,
        target->options.include_values ? attempt->event->data : NULL,
        target->context_json, target->payload_tail);
    return body->text ? APR_SUCCESS : APR_ENOMEM;
}

/* Receivers that know one secret look at the first header, which is always
 * that of the webhook's own secret. */
apr_status_t wh_kind_sign_superoffice(wh_header_list_t *list,
                                      const wh_attempt_t *attempt)
{
    char signature[WH_SIGNATURE_SIZE];
    apr_status_t rv = APR_SUCCESS;
    int i;

    for (i = 0; i < attempt->secret_count && rv == APR_SUCCESS; i++) {
        rv = wh_sign_superoffice(signature, attempt->secrets[i], attempt->body,
                                 attempt->length);
        if (rv == APR_SUCCESS) {
            rv = i == 0 ? wh_header_list_add(list, SIGNATURE ": %s", signature)
                        : wh_header_list_add(list, SIGNATURE "-%d: %s", i + 1,
                                             signature);
        }
    }
    return rv;
}

static apr_status_t sign(wh_header_list_t *list, const wh_attempt_t *attempt)
{
    const wh_event_t *event = attempt->event;
    apr_status_t rv;

    rv = wh_header_list_add(list, "X-SuperOffice-Event: %s", event->name);
    if (rv == APR_SUCCESS) {
        rv = wh_header_list_add(list, "X-SuperOffice-EventId: %s", event->uuid);
    }
    if (rv == APR_SUCCESS) {
        rv = wh_header_list_add(list, "X-SuperOffice-Retry: %d",
                                attempt->number);
    }
    return rv == APR_SUCCESS ? wh_kind_sign_superoffice(list, attempt) : rv;
}

static int succeeds(const wh_kind_t *kind, int status,
                    const wh_settings_t *settings)
{
    (void)kind;
    return settings->only_200 ? status == 200 : status >= 200 && status <= 299;
}

const wh_kind_t wh_kind_superoffice = {
    .name = "webhook", .render = render, .sign = sign, .succeeds = succeeds};
