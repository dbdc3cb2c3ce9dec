"""Domains where anyone can have an address: an allow for one of them as a whole lets in strangers."""

from __future__ import annotations

FREEMAIL = frozenset(
    ["126.com", "163.com", "abv.bg", "aim.com", "alice.it", "aol.com", "arcor.de", "att.net", "bellsouth.net", "bigpond.com", "bluewin.ch", "bol.com.br", "btinternet.com", "centrum.cz", "comcast.net", "cox.net", "daum.net", "email.cz", "fastmail.com", "foxmail.com", "free.fr", "freenet.de", "gmail.com", "gmx.at", "gmx.ch", "gmx.com", "gmx.de", "gmx.net", "googlemail.com", "hey.com", "hotmail.co.uk", "hotmail.com", "hotmail.de", "hotmail.fr", "hotmail.it", "icloud.com", "inbox.lv", "interia.pl", "laposte.net", "libero.it", "list.ru", "live.com", "mac.com", "mail.com", "mail.ru", "mailbox.org", "me.com", "msn.com", "naver.com", "o2.pl", "onet.pl", "orange.fr", "outlook.com", "outlook.de", "posteo.de", "proton.me", "protonmail.com", "qq.com", "rambler.ru", "rediffmail.com", "rocketmail.com", "sapo.pt", "seznam.cz", "sfr.fr", "sina.com", "sky.com", "sohu.com", "t-online.de", "telenet.be", "terra.com.br", "tiscali.it", "tuta.com", "tutanota.com", "ukr.net", "uol.com.br", "verizon.net", "virgilio.it", "wanadoo.fr", "web.de", "wp.pl", "yahoo.co.jp", "yahoo.co.uk", "yahoo.com", "yahoo.de", "yahoo.fr", "yandex.com", "yandex.ru", "ymail.com", "zoho.com"]
)
