/*
 * resources.c - the simulated resources of the Visma.net ERP service API: their files, keys, limits,
 * and what each query parameter of the list and of the single GET does.
 *
 * Rules: names and shapes as in the published OpenAPI description of the Visma.net ERP service API.
 */
#include "sandbox/visma/visma.h"

#define TEXT VISMA_FILTER_TEXT
#define ENUM VISMA_FILTER_ENUM
#define DATE VISMA_FILTER_DATE
#define EXPAND VISMA_FILTER_EXPAND
#define KNOWN VISMA_FILTER_KNOWN
#define ABSENT VISMA_FILTER_ABSENT
#define END                                                                                                  \
    {                                                                                                        \
        NULL, VISMA_FILTER_END, NULL, NULL                                                                   \
    }

static const struct visma_filter purchase_order[] = {
    {"orderType", ENUM, "orderType", "RegularOrder DropShip Blanket StandardBlanket"},
    {"orderStatus", ENUM, "status",
     "Balanced Cancelled Closed Hold Open PendingEmail PendingPrint Printed Voided"},
    {"supplier", TEXT, "supplier.number", NULL},
    {"branch", TEXT, "branch.number", NULL},
    {"orderDate", DATE, "date", NULL},
    {"deliveryDate", DATE, "promisedOn", NULL},
    {"lastModifiedDateTime", DATE, "lastModifiedDateTime", NULL},
    {"includeCustomFreeFields", KNOWN, NULL, NULL},
    END,
};

static const struct visma_filter purchase_order_single[] = {
    {"includeCustomFreeFields", KNOWN, NULL, NULL},
    END,
};

#define CUSTOMER_DOCUMENT                                                                                    \
    {"documentType", TEXT, "documentType", NULL}, {"released", ABSENT, NULL, NULL},                          \
        {"status", ENUM, "status",                                                                           \
         "Hold Balanced Voided Scheduled Open Closed PendingPrint PendingEmail CreditHold CcHold Reserved"}, \
        {"customer", TEXT, "customer.number", NULL}, {"branch", TEXT, "branchNumber.number", NULL},          \
        {"project", TEXT, "project.id", NULL}, {"financialPeriod", TEXT, "financialPeriod", NULL},           \
        {"closedFinancialPeriod", TEXT, "closedFinancialPeriod", NULL},                                      \
        {"externalReference", TEXT, "externalReference", NULL},                                              \
        {"paymentReference", TEXT, "paymentReference", NULL},                                                \
        {"customerRefNumber", TEXT, "customerRefNumber", NULL}, {"dunningLevel", ABSENT, NULL, NULL},        \
        {"dunningLetterDateTime", DATE, "dunningLetterDate", NULL},                                          \
        {"documentDate", DATE, "documentDate", NULL}, {"documentDueDate", DATE, "documentDueDate", NULL},    \
        {"lastModifiedDateTime", DATE, "lastModifiedDateTime", NULL},                                        \
        {"createdDateTime", DATE, "createdDateTime", NULL},                                                  \
        {"expandApplications", EXPAND, "applications", NULL},                                                \
        {"expandDunningInformation", ABSENT, NULL, NULL},                                                    \
        {"expandAttachments", EXPAND, "attachments", NULL},                                                  \
        {"expandTaxDetails", EXPAND, "taxDetails", NULL},                                                    \
        {"expandInvoiceAddress", EXPAND, "invoiceAddress", NULL}, END

static const struct visma_filter customer_document[] = {CUSTOMER_DOCUMENT};

static const struct visma_filter supplier_invoice[] = {
    {"supplier", TEXT, "supplier.number", NULL},
    {"documentType", ENUM, "documentType",
     "Check CreditAdj DebitAdj Invoice Prepayment QuickCheck Refund VoidCheck VoidQuickCheck"},
    {"status", ENUM, "status", "Hold Balanced Voided Scheduled Open Closed Printed Prebooked Reserved"},
    {"released", ABSENT, NULL, NULL},
    {"project", ABSENT, NULL, NULL},
    {"branch", TEXT, "branchNumber.number", NULL},
    {"financialPeriod", TEXT, "financialPeriod", NULL},
    {"item", ABSENT, NULL, NULL},
    {"balance", ABSENT, NULL, NULL},
    {"balanceCondition", ABSENT, NULL, NULL},
    {"dueDate", DATE, "dueDate", NULL},
    {"docDate", DATE, "date", NULL},
    {"lastModifiedDateTime", DATE, "lastModifiedDateTime", NULL},
    {"createdDateTime", DATE, "createdDateTime", NULL},
    {"expandAttachment", EXPAND, "attachments", NULL},
    {"expandApproval", EXPAND, "approvalDetails", NULL},
    {"expandNote", EXPAND, "note", NULL},
    {"expandLandedCosts", EXPAND, "landedCosts", NULL},
    {"expandLinePrebookAccounts", ABSENT, NULL, NULL},
    END,
};

static const struct visma_filter supplier_invoice_single[] = {
    {"expandLinePrebookAccounts", ABSENT, NULL, NULL},
    {"expandLandedCosts", EXPAND, "landedCosts", NULL},
    END,
};

static const struct visma_filter supplier[] = {
    {"name", TEXT, "name", NULL},
    {"status", ENUM, "status", "Active OnHold HoldPayments Inactive OneTime"},
    {"vatRegistrationId", TEXT, "vatRegistrationId", NULL},
    {"corporateId", TEXT, "corporateId", NULL},
    {"attributes", ABSENT, NULL, NULL},
    {"orderBy", ABSENT, NULL, NULL},
    {"expandAccountInformation", EXPAND, "glAccounts", NULL},
    {"expandNote", EXPAND, "note", NULL},
    {"lastModifiedDateTime", DATE, "lastModifiedDateTime", NULL},
    END,
};

static const struct visma_filter organization[] = {
    {"expandBranches", EXPAND, "branches", NULL},
    {"expandBankSettings", EXPAND, "bankSettings", NULL},
    {"lastModifiedDateTime", DATE, "lastModifiedDateTime", NULL},
    END,
};

static const struct visma_filter branch[] = {
    {"orderBy", ABSENT, NULL, NULL},
    {"lastModifiedDateTime", DATE, "lastModifiedDateTime", NULL},
    {"expandAddress", EXPAND, "mainAddress", NULL},
    {"expandContact", EXPAND, "mainContact", NULL},
    {"expandCurrency", EXPAND, "currency", NULL},
    {"expandVatZone", EXPAND, "vatZone", NULL},
    {"expandLedger", EXPAND, "ledger", NULL},
    {"expandIndustryCode", EXPAND, "industryCode", NULL},
    {"expandDeliveryAddress", EXPAND, "deliveryAddress", NULL},
    {"expandDeliveryContact", EXPAND, "deliveryContact", NULL},
    {"expandDefaultCountry", EXPAND, "defaultCountry", NULL},
    {"expandBankSettings", EXPAND, "bankSettings", NULL},
    END,
};

static const struct visma_filter none[] = {END};

const struct visma_resource sb_visma_resources[] = {
    {"purchaseorder", "purchaseorder.json", "orderNbr", 500, true, true, "purchase order", purchase_order,
     purchase_order_single},
    {"customerinvoice", "customerinvoice.json", "referenceNumber", 1000, true, false, "customer invoice",
     customer_document, none},
    {"customercreditnote", "customercreditnote.json", "referenceNumber", 1000, true, false,
     "customer credit note", customer_document, none},
    {"supplierinvoice", "supplierinvoice.json", "referenceNumber", 1000, true, false, "supplier invoice",
     supplier_invoice, supplier_invoice_single},
    {"supplier", "supplier.json", "number", 1000, true, false, "supplier", supplier, none},
    {"organization", "organization.json", "organizationCd", 0, false, false, "organization", organization,
     organization},
    {"branch", "branch.json", "number", 0, false, false, "branch", branch, branch},
    {NULL, NULL, NULL, 0, false, false, NULL, NULL, NULL},
};
