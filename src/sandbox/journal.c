/*
 * journal.c - what the sandbox must still know after kill -9; see journal.h.
 */
#include "sandbox/sandbox.h"
#include "sandbox/journal.h"
#include "sandbox/document.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct journal {
    int fd;
    json_t *kinds;
};

static json_t *kind_of(json_t *kinds, const char *kind)
{
    json_t *ids = json_object_get(kinds, kind);

    if (!ids) {
        ids = json_object();
        json_object_set_new(kinds, kind, ids);
    }
    return ids;
}

static void replay(json_t *kinds, FILE *file)
{
    char *line = NULL;
    size_t size = 0;
    ssize_t length;

    while ((length = getline(&line, &size, file)) > 0) {
        json_t *entry;
        const char *kind, *id;
        json_t *value;

        if (line[length - 1] != '\n')
            break; /* torn: the process died while writing it */
        entry = json_loadb(line, (size_t)length, 0, NULL);
        kind = json_string_value(json_object_get(entry, "kind"));
        id = json_string_value(json_object_get(entry, "id"));
        value = json_object_get(entry, "value");
        if (kind && !id)
            json_object_del(kinds, kind);
        else if (kind && json_is_null(value))
            json_object_del(kind_of(kinds, kind), id);
        else if (kind && value)
            json_object_set(kind_of(kinds, kind), id, value);
        json_decref(entry);
    }
    free(line);
}

static int write_all(int fd, const char *text, size_t size)
{
    while (size > 0) {
        ssize_t done = write(fd, text, size);

        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return -1;
        text += done;
        size -= (size_t)done;
    }
    return 0;
}

static int append(int fd, const char *kind, const char *id, json_t *value)
{
    json_t *entry = json_pack("{s:s}", "kind", kind);
    char *text;
    int result = -1;

    if (id)
        json_object_set_new(entry, "id", json_string(id));
    if (id)
        json_object_set_new(entry, "value", value ? json_incref(value) : json_null());
    text = sb_document_text(entry);
    json_decref(entry);
    if (text) {
        size_t length = strlen(text);

        text[length] = '\n'; /* over the NUL: one write, one line */
        result = write_all(fd, text, length + 1);
        free(text);
    }
    if (result != 0)
        fprintf(stderr,
                "spoolgate sandbox: the journal cannot be written: %s; a restart will not know of %s\n",
                strerror(errno), kind);
    return result;
}

struct journal *sb_journal_open(const char *path, char *why, size_t why_size)
{
    struct journal *journal = calloc(1, sizeof(*journal));
    char fresh[4096];
    const char *kind, *id;
    json_t *ids, *value;
    FILE *file;
    int bad = 0;

    if (!journal) {
        snprintf(why, why_size, "out of memory");
        return NULL;
    }
    journal->kinds = json_object();
    file = fopen(path, "re");
    if (file) {
        replay(journal->kinds, file);
        fclose(file);
    }
    snprintf(fresh, sizeof(fresh), "%s.new", path);
    journal->fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    if (journal->fd >= 0) {
        json_object_foreach(journal->kinds, kind, ids)
        {
            json_object_foreach(ids, id, value)
            {
                bad |= append(journal->fd, kind, id, value);
            }
        }
    }
    if (journal->fd < 0 || bad || rename(fresh, path) != 0) {
        snprintf(why, why_size, "%s: %s; give --directory a folder that can be written", path,
                 strerror(errno));
        sb_journal_close(journal);
        return NULL;
    }
    return journal;
}

void sb_journal_close(struct journal *journal)
{
    if (!journal)
        return;
    if (journal->fd >= 0)
        close(journal->fd);
    json_decref(journal->kinds);
    free(journal);
}

json_t *sb_journal_kind(struct journal *journal, const char *kind)
{
    return kind_of(journal->kinds, kind);
}

json_t *sb_journal_get(struct journal *journal, const char *kind, const char *id)
{
    return json_object_get(kind_of(journal->kinds, kind), id);
}

void sb_journal_put(struct journal *journal, const char *kind, const char *id, json_t *value)
{
    append(journal->fd, kind, id, value);
    json_object_set_new(kind_of(journal->kinds, kind), id, value);
}

void sb_journal_drop(struct journal *journal, const char *kind, const char *id)
{
    append(journal->fd, kind, id, NULL);
    json_object_del(kind_of(journal->kinds, kind), id);
}

void sb_journal_drop_kind(struct journal *journal, const char *kind)
{
    append(journal->fd, kind, NULL, NULL);
    json_object_clear(kind_of(journal->kinds, kind));
}
