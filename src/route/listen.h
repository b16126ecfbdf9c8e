/* listen: "127.0.0.1:9464": where to listen, on this machine's own interface and nowhere else. */
#ifndef SPOOLGATE_ROUTE_LISTEN_H
#define SPOOLGATE_ROUTE_LISTEN_H

#include <stdbool.h>
#include <sys/socket.h>

/* Of "127.…:PORT", "localhost:PORT" or "[::1]:PORT"; false for anything else. */
bool listen_address(const char *text, struct sockaddr_storage *out);
/* Such an address, with or without a port: what a Host header says. */
bool listen_is_loopback(const char *host);

#endif
