/*
 * orderful.h - what the files of the simulated Orderful share.
 */
#ifndef SANDBOX_ORDERFUL_H
#define SANDBOX_ORDERFUL_H

#include "sandbox/sandbox.h"

/* network.c: organizations, ISA ids, relationships */
int sb_network_open(struct sandbox *sb, char *why, size_t why_size);
void sb_network_close(void);
const json_t *sb_network(void); /* network.json */
/* The account with that live ISA id, or with that id in a stream ("TEST", "LIVE"); borrowed, or NULL. */
const json_t *sb_network_account(const char *live_id);
const json_t *sb_network_account_in(const char *stream, const char *isa_id);
bool sb_network_is_ours(const json_t *account);
/* By live ISA ids and the v3 type name; borrowed, or NULL. */
const json_t *sb_network_relationship(struct sandbox *sb, const char *sender, const char *receiver,
                                      const char *type);
void sb_network_relationships_list(struct exchange *ex);
void sb_network_control_relationship(struct exchange *ex);
/* bucket or inbox id of our organization for a stream; 0 when there is none. list: "buckets", "inboxes". */
int64_t sb_network_mailbox(const char *list, const char *stream);
bool sb_network_has_mailbox(const char *list, const char *id);

/*
 * A transaction as kept in the journal (kind "orderful.transaction", id its number as text):
 * {id, seq, dialect: "v3"|"v4", type (v3 name), stream: "TEST"|"LIVE", sender, receiver (live ids),
 * businessNumber, created (ms), valid (ms: when validation ends), outcome: "VALID"|"INVALID", errors
 * [validation entries], autoSend, inbound, ack: how and when the receiver answers, set: {statuses set by
 * hand}, changed (ms), acknowledgment: {status, errors, created}} Its message is kept under
 * "orderful.message".
 */
struct progress {
    const char *validation, *delivery, *acknowledgment;
    int64_t updated;
};

/* transaction.c */
json_t *sb_transaction_of(struct sandbox *sb, const char *id);
struct progress sb_transaction_progress(struct sandbox *sb, const json_t *transaction);
/* The object of GET /v3/transactions/{id}; new reference. */
json_t *sb_transaction_view(struct exchange *ex, const json_t *transaction, bool with_message);
void sb_transaction_save(struct sandbox *sb, json_t *transaction);
/* All transactions, oldest first; borrowed. */
json_t *sb_transactions(struct sandbox *sb);
void sb_transactions_open(struct sandbox *sb);
void sb_transactions_close(void);
void sb_transaction_create_v3(struct exchange *ex);
void sb_transaction_create_v4(struct exchange *ex);
void sb_transaction_show(struct exchange *ex, const char *id);
void sb_transaction_message(struct exchange *ex, const char *id);
void sb_transaction_validations(struct exchange *ex, const char *id, const char *organization);
void sb_transaction_control(struct exchange *ex, const char *id);
void sb_transaction_control_inbound(struct exchange *ex);
void sb_transaction_control_list(struct exchange *ex);

/* list.c */
void sb_transactions_list(struct exchange *ex);

/* delivery.c: buckets, inboxes, deliveries, acknowledgments */
void sb_delivery_create(struct sandbox *sb, const json_t *transaction);
void sb_delivery_bucket(struct exchange *ex, const char *bucket);
void sb_delivery_inbox(struct exchange *ex, const char *inbox);
void sb_delivery_show(struct exchange *ex, const char *transaction, const char *id);
/* v4 needs a note, v3 does not; transaction is NULL for v3. */
void sb_delivery_decide(struct exchange *ex, const char *transaction, const char *id, bool approve);
void sb_delivery_confirm_retrieval(struct exchange *ex, const char *bucket);
void sb_delivery_confirm_batch(struct exchange *ex);
void sb_acknowledgment_post(struct exchange *ex, const char *id);
void sb_acknowledgment_get(struct exchange *ex, const char *id);

/* x12json.c */
int sb_x12json_open(struct sandbox *sb, char *why, size_t why_size);
void sb_x12json_close(void);
/* Parses as the create endpoint does: array of error texts, empty when the message may be stored; new
 * reference. */
json_t *sb_x12json_parse(const char *set, const json_t *message);
/* Validates a parsed message: array of entries as GET …/validations shows them; new reference. */
json_t *sb_x12json_validate(const char *set, const json_t *message);

/* mosaic.c */
int sb_mosaic_open(struct sandbox *sb, char *why, size_t why_size);
void sb_mosaic_close(void);
/* validationErrors of the 202 answer; new reference. Counts unknown members in the exchange. */
json_t *sb_mosaic_validate(struct exchange *ex, const char *set, const json_t *message);

/* orderful.c */
void sb_orderful_refuse(struct exchange *ex, int status, const char *type, const char *ref,
                        const char *format, ...) __attribute__((format(printf, 5, 6)));
/* {"message": text} or {"message": [texts]}; takes over the reference */
void sb_orderful_refuse_list(struct exchange *ex, json_t *messages);
/* Adds a member that no document names, now and then: clients have to look past it. */
void sb_orderful_extra(json_t *object, uint64_t number);

#endif
