-- Version 2: subscriptions of other domains' users. Frozen, like every version.
-- They outlive the relay, for nobody there will ask again before their leases end.

-- Not REFERENCES account: who may not tell whether an account exists can subscribe to one that does not.
CREATE TABLE subscription (
    presentity TEXT NOT NULL,
    subscriber TEXT NOT NULL,
    connection TEXT NOT NULL,
    since      INTEGER NOT NULL,
    until      INTEGER NOT NULL,
    told       INTEGER NOT NULL, -- the newest version that the subscriber acknowledged, as far as was noted
    PRIMARY KEY (presentity, subscriber, connection)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER account_deleted AFTER DELETE ON account BEGIN
    DELETE FROM subscription WHERE presentity = old.address;
END;
