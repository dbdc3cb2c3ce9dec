"""Doing the steps of a story on a private host, and holding what is seen against what must be."""

from __future__ import annotations

import imaplib
import re
import smtplib
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace

from gatepost.errors import UnavailableError
from gatepost_cli.demo import mail
from gatepost_cli.demo.commandline import run_gatepost
from gatepost_cli.demo.host import PASSWORD, PrivateHost, wait_until
from gatepost_cli.demo.imap import where_lies
from gatepost_cli.demo.results import Kind, Result, Row, begins, equals, holds
from gatepost_cli.demo.steps import NOTHING, Ask, Kill, Mail, Rule, Shell, Step, Until

_IN_FORCE_SECONDS = 5.0
_POLL_SECONDS = 0.02
_RULE_NUMBER = re.compile(r"rule (\d+)")
_REFERENCE = re.compile(r"\(ref (\w+)\)")
_DIFFICULTIES = (OSError, UnavailableError, smtplib.SMTPException, imaplib.IMAP4.error)


class Performer:
    """Does one step after the other, and remembers what they have named."""

    def __init__(self, host: PrivateHost, columns: int | None) -> None:
        """Perform on a running host; `columns` is the room that a terminal has for tables, None on a pipe."""
        self._host = host
        self._columns = columns
        self._names: dict[str, str] = {}
        self._messages = 0
        self._changed_at = 0.0

    def perform(self, step: Step) -> Result:
        """Do a step; what makes it impossible is a failed check, and the story goes on."""
        try:
            return self._perform(step)
        except _DIFFICULTIES as error:
            failed = Row("the step", f"{type(error).__name__}: {error}", "can be done", ok=False)
            command = f"gatepost {step.line}" if isinstance(step, Rule | Ask) else ""
            return Result(Kind.WAIT, step.text, command, rows=(failed,))

    def _perform(self, step: Step) -> Result:
        match step:
            case Rule():
                return self._rule(step)
            case Ask():
                return self._ask(step)
            case Shell():
                return self._shell(step)
            case Kill():
                return self._kill(step)
            case Mail():
                return self._mail(step)
            case Until():
                return self._until(step)

    def _rule(self, step: Rule) -> Result:
        result = self._gatepost(step.line, step.text, 0, step.says)
        self._changed_at = time.monotonic()
        self._remember(step.name, _RULE_NUMBER, result.output)
        if not step.waits:
            return result
        seconds = self._host.wait_for_snapshot(_IN_FORCE_SECONDS)
        return replace(result, rows=(*result.rows, Row("in force", _after(seconds))))

    def _ask(self, step: Ask) -> Result:
        deadline = time.monotonic() + step.patience_seconds
        while True:
            result = self._gatepost(step.line, step.text, step.status, step.says)
            if all(row.ok for row in result.rows) or time.monotonic() > deadline:
                return replace(result, output=self._fitted(step, result.output))
            time.sleep(_POLL_SECONDS)

    def _fitted(self, step: Ask, output: str) -> str:
        """Let a command that printed wide tables print them again for the terminal that the reader has."""
        if self._columns is None or all(len(line) <= self._columns for line in output.splitlines()):
            return output
        return run_gatepost(self._host.config_file, self._filled(step.line), self._columns)[1]

    def _gatepost(self, line: str, text: str, status: int, says: tuple[str, ...]) -> Result:
        line = self._filled(line)
        ended, output = run_gatepost(self._host.config_file, line)
        rows = [equals("exit status", str(ended), str(status), shown=status != 0)]
        rows += [holds("its output", output, self._filled(wanted)) for wanted in says]
        return Result(Kind.COMMAND, text, f"gatepost {line}", output, tuple(rows))

    def _shell(self, step: Shell) -> Result:
        ended = subprocess.run(
            ["sh", "-c", step.line],
            cwd=self._host.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        row = equals("exit status", str(ended.returncode), "0", shown=False)
        return Result(Kind.COMMAND, step.text, step.line, ended.stdout, (row,))

    def _kill(self, step: Kill) -> Result:
        host = self._host
        daemon = next(d for d in (host.agent, host.policyd, host.milter) if d.name == step.daemon)
        command = f"kill -9 {daemon.pid}"
        daemon.kill()
        daemon.start()
        return Result(
            Kind.COMMAND, step.text, command, f"{step.daemon}: killed, and started again as {daemon.pid}"
        )

    def _mail(self, step: Mail) -> Result:
        self._messages += 1
        subject = f"demo {self._messages}"
        content = mail.compose(
            [step.header_from or step.sender], subject, step.extra + "\r\n" if step.extra else ""
        )
        dialogue = mail.talk(self._host, step.sender, step.to, content, step.client)
        self._remember(step.name, _REFERENCE, " ".join(map(str, (*dialogue.rcpt, dialogue.end))))
        self._host.postfix.wait_until_queue_is_empty()
        rows = (*_said(step, dialogue), *self._found(step, subject))
        return Result(Kind.MAIL, step.text, rows=rows)

    def _found(self, step: Mail, subject: str) -> Iterator[Row]:
        """Look into every mailbox, also those that must have got nothing."""
        port = self._host.dovecot.model.imap.port
        for mailbox in self._host.plan.mailboxes:
            seen = where_lies(port, mailbox, PASSWORD, subject)
            wanted = self._filled(step.lies.get(mailbox, NOTHING))
            yield equals(f"mailbox {mailbox}", seen, wanted, shown=mailbox in step.lies)

    def _until(self, step: Until) -> Result:
        seen: list[mail.Reply] = []

        def answers_so() -> bool:
            seen.append(mail.try_recipient(smtp, step.sender, step.to))
            return str(seen[-1]).startswith(step.answer)

        with mail.session(self._host) as smtp:
            wait_until(answers_so, _IN_FORCE_SECONDS, f"{step.answer} from Postfix")
            seconds = time.monotonic() - self._changed_at
        rows = (
            Row(f"MAIL FROM:<{step.sender}>"),
            begins(f"RCPT TO:<{step.to}>", str(seen[-1]), step.answer),
            Row("so Postfix answers", f"{seconds:.2f} s after the command ended"),
        )
        return Result(Kind.WAIT, step.text, rows=rows)

    def _remember(self, name: str, pattern: re.Pattern[str], text: str) -> None:
        found = pattern.search(text)
        if name:
            self._names[name] = found[1] if found else "?"

    def _filled(self, text: str) -> str:
        return text.format_map(self._names)


def _after(seconds: float) -> str:
    return "at once" if seconds < 0.005 else f"{seconds:.2f} s later"


def _said(step: Mail, dialogue: mail.Dialogue) -> Iterator[Row]:
    """Show the dialogue, client's line by client's line."""
    if step.client != mail.STRANGER:
        yield Row(f"client {step.client}")
    yield Row(f"MAIL FROM:<{step.sender}>", str(dialogue.mail))
    for to, answer, wanted in zip(step.to, dialogue.rcpt, step.answers, strict=True):
        yield begins(f"RCPT TO:<{to}>", str(answer), wanted)
    yield from (Row(line) for line in _remarkable_headers(step))
    if dialogue.end is not None:
        yield begins("the message, and a dot", str(dialogue.end), step.end or "never sent")
    elif step.end:
        yield Row("the message, and a dot", "never sent", step.end, ok=False)


def _remarkable_headers(step: Mail) -> Iterator[str]:
    if step.header_from:
        yield f"From: {step.header_from}"
    if step.extra:
        yield step.extra
