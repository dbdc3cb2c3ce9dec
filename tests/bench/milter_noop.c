/*
 * milter_noop: the milter that decides nothing, the limit for all others.
 *
 * Usage: milter_noop ADDRESS none|header      (unix:PATH or inet:PORT@HOST)
 *
 * Has the callbacks that Gatepost's milter needs: connect, mail, rcpt (which
 * replies), header and end of message.  All others are negotiated away, and so
 * are the replies to connect, mail and header.  With "header" it adds one
 * X-Gatepost-Verdict at the end of each message.  Ends by a signal.
 */
#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>
#include <stdio.h>
#include <string.h>

#define UNUSED __attribute__((unused))

static const unsigned long unwanted =
    SMFIP_NOHELO | SMFIP_NODATA | SMFIP_NOEOH | SMFIP_NOBODY | SMFIP_NOUNKNOWN;
static const unsigned long silent = SMFIP_NR_CONN | SMFIP_NR_MAIL | SMFIP_NR_HDR;
static int adds_header;

static sfsistat on_negotiate(UNUSED SMFICTX *context, UNUSED unsigned long actions,
                             unsigned long steps, UNUSED unsigned long unused_a,
                             UNUSED unsigned long unused_b, unsigned long *wanted_actions,
                             unsigned long *wanted_steps, unsigned long *reserved_a,
                             unsigned long *reserved_b)
{
    if ((steps & (unwanted | silent)) != (unwanted | silent))
        return SMFIS_REJECT;
    *wanted_actions = adds_header ? SMFIF_ADDHDRS : 0;
    *wanted_steps = unwanted | silent;
    *reserved_a = *reserved_b = 0;
    return SMFIS_CONTINUE;
}

static sfsistat on_connect(UNUSED SMFICTX *context, UNUSED char *name, UNUSED _SOCK_ADDR *address)
{
    return SMFIS_NOREPLY;
}

static sfsistat on_mail(UNUSED SMFICTX *context, UNUSED char **arguments)
{
    return SMFIS_NOREPLY;
}

static sfsistat on_rcpt(UNUSED SMFICTX *context, UNUSED char **arguments)
{
    return SMFIS_CONTINUE;
}

static sfsistat on_header(UNUSED SMFICTX *context, UNUSED char *name, UNUSED char *value)
{
    return SMFIS_NOREPLY;
}

static sfsistat on_end_of_message(SMFICTX *context)
{
    if (adds_header)
        smfi_addheader(context, "X-Gatepost-Verdict",
                       "ann@example.com; allow; rule=17; proof=none");
    return SMFIS_CONTINUE;
}

int main(int argc, char **argv)
{
    struct smfiDesc milter = {
        .xxfi_name = "milter_noop",
        .xxfi_version = SMFI_VERSION,
        .xxfi_flags = SMFIF_ADDHDRS,
        .xxfi_connect = on_connect,
        .xxfi_envfrom = on_mail,
        .xxfi_envrcpt = on_rcpt,
        .xxfi_header = on_header,
        .xxfi_eom = on_end_of_message,
        .xxfi_negotiate = on_negotiate,
    };

    if (argc != 3 || (strcmp(argv[2], "none") && strcmp(argv[2], "header"))) {
        fputs("usage: milter_noop ADDRESS none|header\n", stderr);
        return 64;
    }
    adds_header = !strcmp(argv[2], "header");
    if (smfi_setconn(argv[1]) != MI_SUCCESS || smfi_register(milter) != MI_SUCCESS)
        return 1;
    return smfi_main() == MI_SUCCESS ? 0 : 1;
}
