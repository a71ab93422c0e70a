-- Version 1 of the relay's store. Frozen: a later version is a further file, never an edit of this one.
-- Times are milliseconds since 1970, addresses canonical URLs, flags 0 or 1.

PRAGMA application_id = 1768779888; -- "impp"

CREATE TABLE domain (
    name       TEXT PRIMARY KEY,
    decoy_key  BLOB NOT NULL CHECK (length(decoy_key) = 32), -- from it the salts of users that do not exist
    iterations INTEGER NOT NULL                              -- of every password of the domain
) STRICT, WITHOUT ROWID;

CREATE TABLE account (
    address           TEXT PRIMARY KEY,
    created           INTEGER NOT NULL,
    disabled          INTEGER NOT NULL DEFAULT 0,
    presence          INTEGER NOT NULL DEFAULT 1,
    inbox             INTEGER NOT NULL DEFAULT 1,
    moved_to          TEXT,
    moved_permanently INTEGER NOT NULL DEFAULT 0,
    presence_version  INTEGER NOT NULL DEFAULT 0,
    mailbox_messages  INTEGER NOT NULL DEFAULT 0, -- kept by the triggers below
    mailbox_octets    INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE credentials (
    account    TEXT PRIMARY KEY REFERENCES account ON DELETE CASCADE,
    iterations INTEGER NOT NULL,
    salt       BLOB NOT NULL,
    stored_key BLOB NOT NULL CHECK (length(stored_key) = 32),
    server_key BLOB NOT NULL CHECK (length(server_key) = 32)
) STRICT, WITHOUT ROWID;

CREATE TABLE acl (
    account   TEXT PRIMARY KEY REFERENCES account ON DELETE CASCADE,
    version   INTEGER NOT NULL,
    concealed TEXT NOT NULL, -- one word per rule: the version that the concealed are shown, or "-"
    body      BLOB NOT NULL
) STRICT;

CREATE TABLE presence_value (
    account           TEXT NOT NULL REFERENCES account ON DELETE CASCADE,
    position          INTEGER NOT NULL,
    view              TEXT,    -- null: the ordinary one
    until             INTEGER, -- null: permanent
    content_type      TEXT NOT NULL,
    transfer_encoding TEXT,
    disposition       TEXT,
    body              BLOB NOT NULL,
    PRIMARY KEY (account, position)
) STRICT;

-- AUTOINCREMENT keeps the largest number ever given, also when every message is gone.
CREATE TABLE message (
    number      INTEGER PRIMARY KEY AUTOINCREMENT,
    mailbox     TEXT NOT NULL REFERENCES account ON DELETE CASCADE,
    sender      TEXT NOT NULL,
    message_id  TEXT NOT NULL,
    fingerprint BLOB NOT NULL CHECK (length(fingerprint) = 16),
    stored      INTEGER NOT NULL,
    expires     INTEGER,
    octets      INTEGER NOT NULL,
    frame       BLOB NOT NULL -- last, so that the columns before it are read without it
) STRICT;

CREATE INDEX message_mailbox ON message (mailbox);

CREATE TRIGGER message_stored AFTER INSERT ON message BEGIN
    UPDATE account SET mailbox_messages = mailbox_messages + 1, mailbox_octets = mailbox_octets + new.octets
    WHERE address = new.mailbox;
END;

CREATE TRIGGER message_deleted AFTER DELETE ON message BEGIN
    UPDATE account SET mailbox_messages = mailbox_messages - 1, mailbox_octets = mailbox_octets - old.octets
    WHERE address = old.mailbox;
END;
