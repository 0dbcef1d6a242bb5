// Holds a Pod's network namespace: sleeps for ever. Given a port, it is a server to test with:
// answers each connection by HTTP with the name of its host.
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void end(int signal) {
  (void)signal;
  _exit(0);
}

static void reap(int signal) {
  (void)signal;
  while (waitpid(-1, NULL, WNOHANG) > 0) {
  }
}

static void serve(int port) {
  int listener = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
  struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(port)};
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (bind(listener, (struct sockaddr *)&any, sizeof any) || listen(listener, 16)) {
    perror("pause");
    exit(1);
  }
  char host[64] = "", answer[256], request[4096];
  gethostname(host, sizeof host - 1);
  int length = snprintf(answer, sizeof answer,
                        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s\n",
                        strlen(host) + 1, host);
  for (;;) {
    int peer = accept(listener, NULL, NULL);
    if (peer < 0) continue;
    if (read(peer, request, sizeof request) > 0 && write(peer, answer, length) < 0) perror("pause");
    close(peer);
  }
}

int main(int count, char **words) {
  signal(SIGTERM, end);
  signal(SIGINT, end);
  signal(SIGCHLD, reap);
  signal(SIGPIPE, SIG_IGN);
  if (count > 1) serve(atoi(words[1]));
  for (;;) pause();
}
