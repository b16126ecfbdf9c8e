/*
 * generate.c - as many documents as a test wants, made after the samples.
 *
 * A generated row in the store holds only what lists filter by, its template (shared by all) and its number;
 * the document is made when somebody reads it. The same number always gives the same document.
 */
#include "sandbox/clock.h"
#include "sandbox/document.h"
#include "sandbox/visma/visma.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define TEMPLATE "~template" /* no member of Visma's has such a name */
#define NUMBER "~number"
#define DAY INT64_C(86400000)
#define FIRST INT64_C(1793577600000) /* 2026-11-02T00:00:00 */
#define ORDER_LINES 20
#define INVOICE_LINES 10

static double cents(double amount)
{
    return round(amount * 100) / 100;
}

/* Sets name, and its twins in base and document currency where the template has them: the rate is one. */
static void set_amount(json_t *object, const char *name, double amount)
{
    static const char *const twins[] = {"InBaseCurrency", "InCurrency"};
    char twin[64];

    json_object_set_new(object, name, json_real(cents(amount)));
    for (size_t i = 0; i < 2; i++) {
        snprintf(twin, sizeof(twin), "%s%s", name, twins[i]);
        if (json_object_get(object, twin))
            json_object_set_new(object, twin, json_real(cents(amount)));
    }
}

static void set_time(json_t *row, const char *name, int64_t ms, bool with_fraction)
{
    char text[32];

    sb_clock_zoneless(ms, false, text);
    if (!with_fraction)
        text[19] = '\0';
    json_object_set_new(row, name, json_string(text));
}

struct lines {
    const char *name, *number, *quantity, *price;
    const char *const *amounts; /* members that hold quantity times price */
    size_t count;
};

static const char *const order_amounts[] = {"extCost", "amount", NULL};
static const char *const invoice_amounts[] = {"amount", "amountInCurrency", "manualAmount",
                                              "manualAmountInCurrency", NULL};
static const struct lines order_lines = {"lines",    "lineNbr",     "orderQty",
                                         "unitCost", order_amounts, ORDER_LINES};
static const struct lines invoice_lines = {"invoiceLines",        "lineNumber",    "quantity",
                                           "unitPriceInCurrency", invoice_amounts, INVOICE_LINES};

/* Lines taken in turn from the template's, with quantities of their own and without discounts; their sum. */
static double make_lines(json_t *row, const json_t *template, const struct lines *what, uint64_t seed)
{
    const json_t *pool = json_object_get(template, what->name);
    json_t *lines = json_array();
    double sum = 0;

    for (size_t i = 0; i < what->count; i++) {
        json_t *line = json_copy(json_array_get(pool, i % json_array_size(pool)));
        uint64_t random = sb_mix64(seed * 1000 + i);
        double quantity = (double)(1 + random % 60), amount;

        if (strcmp(sb_document_string(line, "uom"), "KG") == 0)
            quantity += 0.25 * (double)(random >> 8 & 3);
        amount = cents(quantity * json_number_value(json_object_get(line, what->price)));
        json_object_set_new(line, what->number, json_integer((json_int_t)i + 1));
        json_object_set_new(line, what->quantity, json_real(quantity));
        if (json_object_get(line, "baseOrderQty"))
            json_object_set_new(line, "baseOrderQty", json_real(quantity));
        for (size_t k = 0; what->amounts[k]; k++)
            json_object_set_new(line, what->amounts[k], json_real(amount));
        json_object_set_new(line, "discountPercent", json_real(0));
        set_amount(line, "discountAmount", 0);
        json_object_set_new(line, "manualDiscount", json_false());
        sum += amount;
        json_array_append_new(lines, line);
    }
    json_object_set_new(row, what->name, lines);
    return cents(sum);
}

/* The one line of tax details; returns the tax. */
static double make_tax(json_t *row, const json_t *template, double sum)
{
    json_t *tax = json_copy(json_array_get(json_object_get(template, "taxDetails"), 0));
    double amount;

    if (!tax)
        return 0;
    amount = cents(sum * json_number_value(json_object_get(tax, "vatRate")) / 100);
    set_amount(tax, "taxableAmount", sum);
    set_amount(tax, "vatAmount", amount);
    json_object_set_new(row, "taxDetails", json_pack("[o]", tax));
    return amount;
}

static int64_t day_of(unsigned long number)
{
    return FIRST + (int64_t)(number % 10) * DAY;
}

/* What lists filter by, in a short row as well as in the document. */
static void set_heading(json_t *row, const struct visma_resource *resource, unsigned long number)
{
    bool order = strcmp(resource->segment, "purchaseorder") == 0;
    char text[32];

    snprintf(text, sizeof(text), "%lu", (order ? 600000 : 700000) + number);
    json_object_set_new(row, resource->key, json_string(text));
    set_time(row, "lastModifiedDateTime", FIRST + 19 * DAY + (int64_t)number * 250, true);
    if (order) {
        set_time(row, "date", day_of(number), false);
        set_time(row, "promisedOn", day_of(number) + 7 * DAY, false);
        return;
    }
    snprintf(text, sizeof(text), "KM-%lu", 90000 + number);
    json_object_set_new(row, "customerRefNumber", json_string(text));
    json_object_set_new(row, "externalReference", json_string(text));
    snprintf(text, sizeof(text), "00%lu7", 700000 + number);
    json_object_set_new(row, "paymentReference", json_string(text));
    set_time(row, "documentDate", day_of(number), false);
    set_time(row, "documentDueDate", day_of(number) + 30 * DAY, false);
    set_time(row, "createdDateTime", FIRST + 19 * DAY + (int64_t)number * 250, true);
}

static void make_order(json_t *row, const json_t *template, unsigned long number)
{
    double sum = make_lines(row, template, &order_lines, number), tax = make_tax(row, template, sum);
    double quantity = 0;
    size_t i;
    json_t *line;

    json_array_foreach(json_object_get(row, "lines"), i, line)
    {
        quantity += json_number_value(json_object_get(line, "orderQty"));
        set_time(line, "requested", day_of(number) + 7 * DAY, false);
        set_time(line, "promised", day_of(number) + 7 * DAY, false);
    }
    json_object_set_new(row, "description", json_string("Generated order"));
    json_object_set_new(row, "openQuantity", json_real(quantity));
    json_object_set_new(row, "openBalance", json_real(sum));
    set_amount(row, "lineTotal", sum);
    set_amount(row, "taxTotal", tax);
    set_amount(row, "orderTotal", sum + tax);
    set_amount(row, "controlTotal", sum + tax);
}

static void make_invoice(json_t *row, const json_t *template, unsigned long number)
{
    double sum = make_lines(row, template, &invoice_lines, number), tax = make_tax(row, template, sum);

    set_time(row, "origInvoiceDate", day_of(number), false);
    set_time(row, "cashDiscountDate", day_of(number) + 30 * DAY, false);
    set_amount(row, "detailTotal", sum);
    set_amount(row, "vatTaxableTotal", tax > 0 ? sum : 0);
    set_amount(row, "vatExemptTotal", tax > 0 ? 0 : sum);
    set_amount(row, "vatTotal", tax);
    set_amount(row, "amount", sum + tax);
    set_amount(row, "balance", sum + tax);
}

json_t *sb_visma_generated(const struct visma_resource *resource, json_t *template, unsigned long number)
{
    json_t *row = json_pack("{s:O, s:I}", TEMPLATE, template, NUMBER, (json_int_t)number);

    for (const struct visma_filter *filter = resource->filters; filter->name; filter++) {
        char member[64];
        json_t *value;

        if (!filter->path || filter->kind == VISMA_FILTER_EXPAND)
            continue;
        snprintf(member, sizeof(member), "%.*s", (int)strcspn(filter->path, "."), filter->path);
        value = json_object_get(template, member);
        if (value)
            json_object_set(row, member, value);
    }
    set_heading(row, resource, number);
    return row;
}

json_t *sb_visma_full(const struct visma_resource *resource, json_t *row)
{
    json_t *template = json_object_get(row, TEMPLATE), *full;
    unsigned long number = (unsigned long)json_integer_value(json_object_get(row, NUMBER));

    if (!template)
        return json_incref(row);
    full = json_copy(template);
    set_heading(full, resource, number);
    if (strcmp(resource->segment, "purchaseorder") == 0)
        make_order(full, template, number);
    else
        make_invoice(full, template, number);
    json_object_set(full, "timeStamp", json_object_get(row, "timeStamp"));
    return full;
}
