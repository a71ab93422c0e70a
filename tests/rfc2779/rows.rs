//! The requirements in the order of the RFC: how each is met, and how far.
//!
//! What is asked for stands in the test, as its first line; only what has no test says it here.

/// How far a requirement is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Met {
    /// Its test shows it.
    Shown,
    /// Its test shows what there is; the row says what is missing.
    InPart,
    /// There is nothing to run. What is asked for.
    ByDesign(&'static str),
}

/// A requirement.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) number: &'static str,
    pub(crate) how: &'static str,
    pub(crate) met: Met,
    /// Further tests that would fail, as the table names them.
    pub(crate) also: &'static str,
}

const fn shown(number: &'static str, how: &'static str, also: &'static str) -> Row {
    Row { number, how, met: Met::Shown, also }
}

const fn in_part(number: &'static str, how: &'static str, also: &'static str) -> Row {
    Row { number, how, met: Met::InPart, also }
}

const fn by_design(number: &'static str, asked: &'static str, how: &'static str, also: &'static str) -> Row {
    Row { number, how, met: Met::ByDesign(asked), also }
}

/// All of them, under the headings of the table.
pub(crate) const GROUPS: &[(&str, &[Row])] = &[
    (
        "Names, scale, access, topology, protection",
        &[
            shown(
                "2.1.1",
                "`services` in the configuration says which a domain offers, and HELLO tells (§4.2); what belongs to the other is operation-not-supported (§5.1)",
                "`request-services-of-domain.scene`",
            ),
            shown(
                "2.1.2",
                "an account may lack presence or an inbox (§7.5): `impp-relay user add --without`; another's inbox is read with `impp-recv --inbox`",
                "`request-services.scene`",
            ),
            shown(
                "2.1.3",
                "every account that `impp-relay user add` makes",
                "`relay_cli::the_demo_holds_and_leaves_nothing_behind`",
            ),
            shown(
                "2.1.4",
                "names are mapped by their own domain (§1.5); `impp-relay user`",
                "`relay_cli::the_life_of_a_user`, `src/model/address::a_domain_maps_its_own_users`",
            ),
            shown(
                "2.1.5",
                "names are DNS names (§1.2); a relay serves as many as `domains` lists",
                "`domains-change.scene`, `src/net/tls/tests::a_domain_has_its_own_certificate_and_others_the_default`",
            ),
            shown("2.2.1", "§2, §9.1: SRV and links", "`links/exchange::a_message_finds_its_way_by_srv_records_alone`"),
            shown(
                "2.2.2",
                "names cost memory only while something goes on there; a look-up is one read of the store. The figures of millions are for `--ignored` runs",
                "`cache-forgets.scene`, `rfc2779/scale::millions_by_the_figures`",
            ),
            by_design(
                "2.2.3",
                "millions of domains",
                "nothing in the protocol needs a list of them (§2.1, §9.3); links end when they are idle",
                "`links-idle.scene`",
            ),
            shown("2.2.4", "`limits.subscriptions-per-session` is 1024; the test has 500", "`subscribe-limits.scene`"),
            shown("2.2.5", "`limits.subscribers-per-user` is 4096; the test has 200", "`subscribe-limits.scene`"),
            shown(
                "2.2.6",
                "§9.4; the test has 100 domains. 300 that each watch 29 others are run by hand for their figures",
                "`links/many::hundreds_of_domains_watch_each_other`",
            ),
            shown(
                "2.3.1",
                "rules for `fetch` (§7.4, §7.5), `impp-acl`",
                "`rules-first-match.scene`, `tools/fetch_set::several_addresses_make_one_status`",
            ),
            shown("2.3.2", "rules for `subscribe`", "`rules-deny-at-once.scene`, `tools/watch::who_may_not_watch_is_told_so`"),
            shown("2.3.3", "views (§5.3, §7.4) and concealment (§7.6)", "`presence-views.scene`, `conceal-presence.scene`"),
            shown(
                "2.3.4",
                "rules for `change`; `impp-set --for`",
                "`change-by-another.scene`, `tools/fetch_set::a_file_is_published_as_it_is_and_another_user_by_permission`",
            ),
            shown(
                "2.3.5",
                "rules for `send`",
                "`conceal-messages.scene`, `live/messages::refusals_have_their_statuses_and_say_why`",
            ),
            shown(
                "2.3.6",
                "rules for `read`; `impp-recv --inbox`",
                "`inbox-of-another.scene`, `tools/recv::another_inbox_where_that_is_allowed`",
            ),
            shown(
                "2.3.7",
                "the relay keeps and asks them; nobody's client is needed",
                "`tools/fetch_set::several_addresses_make_one_status`",
            ),
            shown(
                "2.4.1",
                "through one's own relay and the other domain's, or directly as nobody (§9.6)",
                "`links/exchange::a_watcher_in_another_domain_sees_each_change`, `anonymous.scene`",
            ),
            shown("2.4.2", "as 2.4.1", "`links-presence.scene`, `anonymous.scene`"),
            shown("2.4.3", "as 2.4.1", "`links-messages.scene`, `anonymous.scene`"),
            shown(
                "2.4.4",
                "two ports of TCP, TLS told by ALPN (§2.4); [Firewalls](relay.md#firewalls)",
                "`tools/usage::an_address_that_cannot_be_reached_is_75_and_clear_text_is_refused`",
            ),
            shown(
                "2.5.1",
                "TLS on each hop; signatures end to end, which no hop breaks (§8)",
                "`src/net/tls/tests::refused_certificates_are_named`, `engines::a_relay_between_two_tls_connections_gains_nothing`, `live/messages::a_signed_message_passes_untouched`",
            ),
            shown(
                "2.5.2",
                "TLS without early data; Message-ID and versions (§10.8)",
                "`deliver-repeated.scene`, `src/net/client/tests::a_subscription_is_renewed_and_old_news_are_dropped`",
            ),
            shown(
                "2.5.3",
                "bodies are opaque to the relay (§5.3, §8); the test encrypts with openssl (S/MIME) and looks into the relay's store",
                "`presence-of-any-type.scene`",
            ),
            shown(
                "2.5.4",
                "signing and encrypting is up to the user, TLS to the administrator (`tls.required`)",
                "`hello.talk`, `src/relay/config/tests::without_a_certificate_only_what_the_operator_allowed`",
            ),
        ],
    ),
    (
        "Presence: format, notification, caching, speed",
        &[
            shown(
                "3.1.1",
                "`application/presence` (§7.2)",
                "`src/model/presence::every_part_is_read_and_written`, `vectors::presence`",
            ),
            shown(
                "3.1.2",
                "`entity`, checked or put in by the server",
                "`src/model/presence::an_entity_must_be_the_owners`, `presence-refused-objects.scene`",
            ),
            shown(
                "3.1.3",
                "`card` with vCard's fields, `contact` of a tuple",
                "`src/cli/tools/set/edit::a_card_field_is_set_and_taken_away`, `tools/fetch_set::a_lease_lies_over_what_is_permanent`",
            ),
            shown(
                "3.1.4",
                "what is not known is kept and handed on",
                "`src/model/presence::what_is_not_of_its_form_is_kept_as_unknown`, `tools/fetch_set::a_file_is_published_as_it_is_and_another_user_by_permission`",
            ),
            by_design("3.1.5", "how to extend and register is said", "names of one's own, names of successors (§7.2)", ""),
            by_design(
                "3.1.6",
                "builds on IETF formats",
                "any MIME object may be presence; RFC 3863's tuple, RFC 6350's fields (§7.2), PIDF in and out of the tools",
                "",
            ),
            shown("3.2.1", "the relay answers", "`presence-over-restart.scene`, `live/presence::each_exit_status_of_fetch`"),
            shown("3.2.2", "the relay answers", "`live/presence::a_watch_tells_the_state_each_change_and_the_end`"),
            shown("3.2.3", "§5.3, §5.5", "`presence-views.scene`, `subscribe-coalesces.scene`, `session-resumed.scene`"),
            shown(
                "3.2.4",
                "leases (§5.2)",
                "`presence-leased-over-permanent.scene`, `live/presence::a_publisher_that_is_killed_is_closed_when_its_lease_ends`",
            ),
            shown(
                "3.2.5",
                "leases, PING (§4.5), deadlines that outlive a restart",
                "`time.talk`, `session-expires-while-away.scene`, `live/presence::a_lease_that_ends_while_the_relay_is_down_is_over_when_it_comes_back`",
            ),
            shown(
                "3.3.1",
                "Presence-Version orders values, a lease bounds how long one is kept (§5.3)",
                "`src/net/client/tests::a_subscription_is_renewed_and_old_news_are_dropped`",
            ),
            shown(
                "3.3.2",
                "an unacknowledged value comes again, always the newest (§5.5)",
                "`notify-again-with-pauses.scene`, `live/presence::a_watcher_over_a_cut_connection_has_the_newest_state`",
            ),
            shown(
                "3.3.3",
                "the subscription ends, or shows what is still allowed, with the rule (§7.5); no relay answers others from memory (§10.5)",
                "`rules-deny-at-once.scene`, `rules-deny-while-away.scene`",
            ),
            shown(
                "3.4.1",
                "the same connections and the same path. A change is on the disk before it is told, like a message that goes to an inbox; the test compares the times of both",
                "",
            ),
        ],
    ),
    (
        "Messages: format, reliability, speed; presence for messaging",
        &[
            shown(
                "4.1.1",
                "`message/rfc822`, `message/global` (§5.7, §8)",
                "`deliver-not-mail.scene`, `live/messages::a_report_from_a_pipe_arrives_octet_for_octet`",
            ),
            shown(
                "4.1.2",
                "From and To of the frame, and of the message",
                "`src/model/content/draft::a_small_message_whole`, `live/messages::a_report_from_a_pipe_arrives_octet_for_octet`",
            ),
            shown("4.1.3", "From, or Reply-To (`--reply-to`)", "`live/messages::an_answer_finds_its_way_and_its_thread`"),
            shown(
                "4.1.4",
                "a vCard attached, headers of one's own (`-H`), the sender's `card` (§7.2)",
                "`src/cli/tools/send/compose::options_become_headers`, `tools/send::an_attachment_arrives_whole`",
            ),
            shown(
                "4.1.5",
                "MIME",
                "`live/messages::octets_that_are_no_text_arrive_as_they_are`, `src/model/content/transfer::text_takes_the_lightest_safe_encoding`",
            ),
            shown(
                "4.1.6",
                "UTF-8, IDNA (§1.2), PRECIS (§1.5), RFC 6532, language tags (`--lang`)",
                "`vectors::read_and_written`, `src/model/content/draft::addresses_with_utf8_make_a_global_message`, `live/messages::an_answer_finds_its_way_and_its_thread`",
            ),
            by_design(
                "4.1.7",
                "present practice in accessibility",
                "a plain text beside every other form (§8); colour says nothing that words do not",
                "`src/cli/print::colours_only_where_wanted`, `src/model/content/draft::html_and_files_are_nested_properly`",
            ),
            by_design("4.1.8", "how to extend and register is said", "that of MIME and of mail headers (§8)", ""),
            shown(
                "4.1.9",
                "§8; unique per sender, remembered for 24 h (§5.7)",
                "`src/net/random::a_message_id_fits_even_for_the_longest_domain`, `deliver-repeated.scene`",
            ),
            shown("4.1.10", "read by Python's email package without a defect", "`live/messages::ten_mebibytes_attached`"),
            shown(
                "4.2.1",
                "`delivered`, `stored`, errors (§6); a doubt is settled by sending again under the same Message-ID",
                "`tools/send::each_failure_has_its_status`, `live/messages::refusals_have_their_statuses_and_say_why`, `src/net/client/error::one_clear_line_and_whether_to_try_again`",
            ),
            shown(
                "4.3.1",
                "four round trips from nothing to the answer, one after that, which the test counts. The figures are for `--ignored` runs",
                "`src/net/client/tests::the_first_request_is_answered_after_four_round_trips`, `engines::a_send_is_answered_in_the_second_flight`, `rfc2779/speed::talk_by_the_figures`",
            ),
            shown("4.4.1", "`status` is required (§7.2)", "`vectors::presence`"),
            shown("4.4.2", "`open`, `closed`", "`live/presence::each_exit_status_of_fetch`"),
            shown("4.4.3", "tuples with `contact`", "`tools/fetch_set::tuples_change_one_at_a_time`"),
        ],
    ),
    (
        "Subscriptions (A watches B, C is a third)",
        &[
            shown(
                "5.1.1",
                "B's domain is verified (§2.4) and speaks for its users only",
                "`src/net/tls/tests::refused_certificates_are_named`, `client_login.talk`",
            ),
            shown(
                "5.1.2",
                "TLS; the list of watchers is the owner's alone (§5.9)",
                "`src/net/connect/tests::nothing_leaves_the_machine_in_the_clear`, `rules-read-and-set.scene`",
            ),
            shown("5.1.3", "rules for `anonymous`", "`anonymous.scene`"),
            shown(
                "5.1.4",
                "octets are handed on as they are; TLS, signatures. The test signs a presence with openssl",
                "`presence-of-any-type.scene`, `src/model/presence::the_entity_is_inserted_and_nothing_else_changed`",
            ),
            shown("5.1.5", "permission-denied; a line `refused`, status 77", "`tools/watch::who_may_not_watch_is_told_so`"),
            shown("5.1.6", "From is the login's (§5.1)", "`request-checks.scene`"),
            shown("5.1.7", "UNSUBSCRIBE; the end of the session", "`subscribe-and-unsubscribe.scene`, `session-bye.scene`"),
            shown(
                "5.1.8",
                "as 5.1.6, and the subscription is the session's",
                "`subscribe-and-unsubscribe.scene`, `request-malformed.scene`",
            ),
            shown(
                "5.1.9",
                "TERMINATE-SUBSCRIPTION with its cause",
                "`rules-deny-at-once.scene`, `ending-again.scene`, `subscribe-expires.scene`",
            ),
            shown("5.1.10", "SUBSCRIBE again answers with lease and value", "`subscribe-renew.scene`"),
            in_part(
                "5.1.11",
                "`impp-acl watchers` from the moment it begins, `impp-acl refused` for those who failed. Missing: the owner has to ask; nothing is sent when a subscription begins",
                "`watchers-list.scene`, `tools/acl::who_watches_and_who_was_refused`",
            ),
            shown(
                "5.1.12",
                "the watcher's name is that of the login",
                "`engines::every_way_to_log_in`, `request-checks.scene`, `watchers-list.scene`",
            ),
            shown("5.1.13", "`impp-acl deny`", "`rules-deny-at-once.scene`"),
            shown("5.1.14", "they are out unless a rule names `anonymous`", "`anonymous.scene`"),
            shown(
                "5.1.15",
                "concealment (§7.6): the same octets as of somebody who never set anything, in the same time",
                "`conceal-presence.scene`, `conceal-unknown.scene`, `live/presence::the_concealed_see_closed_and_never_learn_why`",
            ),
            shown(
                "5.1.16",
                "`impp-acl deny subscribe`: rules take effect on what stands (§7.5)",
                "`rules-deny-at-once.scene`, `live/presence::a_watch_tells_the_state_each_change_and_the_end`",
            ),
            shown("5.1.17", "no header carries one; the relay stands between (§10.5)", ""),
            shown("5.1.18", "as 5.1.17", ""),
        ],
    ),
    (
        "Notifications",
        &[
            shown(
                "5.2.1",
                "TLS, one session per subscription",
                "`src/net/connect/tests::nothing_leaves_the_machine_in_the_clear`, `presence-views.scene`",
            ),
            shown(
                "5.2.2",
                "repeated until acknowledged; of several the newest",
                "`notify-silence.scene`, `session-unacknowledged-value.scene`, `live/presence::a_watcher_over_a_cut_connection_has_the_newest_state`",
            ),
            shown("5.2.3", "views", "`presence-views.scene`"),
            shown("5.2.4", "only a domain's server notifies, and of its own users (§5.1, §9.4)", "`request-malformed.scene`"),
            shown("5.2.5", "as 5.1.17", ""),
            shown("5.2.6", "as 5.1.17", ""),
            shown("5.3.1", "as 5.1.4; what TLS finds changed is no news, and comes again", "`presence-of-any-type.scene`"),
            shown(
                "5.3.2",
                "the relay tells subscribers only; a client shows nothing else and answers subscription-unknown",
                "`subscribe-and-unsubscribe.scene`, `src/net/client/tests::subscriptions_end_for_good_or_begin_again`",
            ),
            shown(
                "5.3.3",
                "from A's own server, which is verified, and which takes it from B's domain alone",
                "`src/net/tls/tests::refused_certificates_are_named`, `request-malformed.scene`",
            ),
        ],
    ),
    (
        "Messages (A to B)",
        &[
            in_part(
                "5.4.1",
                "every refusal has its error; that a message is only `stored` is told apart (`--wait delivered`). Missing: when it is dropped later (too old, refused by the recipient's program) the log tells, nobody else",
                "`live/messages::refusals_have_their_statuses_and_say_why`, `deliver-all-refuse.scene`, `tools/recv::a_sender_hears_of_a_refusal`",
            ),
            shown(
                "5.4.2",
                "(From, Target, Message-ID) is remembered, by relay and receiver (§5.7)",
                "`deliver-repeated-after-restart.scene`, `live/durability::a_repeated_message_is_answered_like_the_first_and_delivered_once`, `live/durability::a_thousand_messages_over_a_relay_that_is_killed_again_and_again`",
            ),
            shown(
                "5.4.3",
                "From is the login's; a message that claims another is marked",
                "`request-checks.scene`, `src/cli/tools/recv/letter::what_people_see_is_safe_and_marks_a_false_sender`",
            ),
            shown("5.4.4", "to From; `--in-reply-to` threads", "`live/messages::an_answer_finds_its_way_and_its_thread`"),
            shown("5.4.5", "as 5.1.17; no trace headers are added", ""),
            shown(
                "5.4.6",
                "TLS on each hop; encrypted bodies pass, as 2.5.3",
                "`src/net/connect/tests::nothing_leaves_the_machine_in_the_clear`",
            ),
            shown(
                "5.4.7",
                "as 2.5.1",
                "`engines::a_relay_between_two_tls_connections_gains_nothing`, `live/messages::a_signed_message_passes_untouched`",
            ),
            shown(
                "5.4.8",
                "`text/plain` in UTF-8 is understood by all (§8)",
                "`src/model/content/incoming::text_of_other_charsets`, `tools/recv::people_see_safe_text`",
            ),
            shown(
                "5.4.9",
                "PGP/MIME and S/MIME with `impp-send --raw`: no hop changes an octet. The tests sign with openssl and gpg",
                "`live/messages::a_signed_message_passes_untouched`",
            ),
            shown("5.4.10", "`impp-acl deny send`", "`live/messages::refusals_have_their_statuses_and_say_why`"),
        ],
    ),
];
