//! What people notice: messages and presence go from one domain to another, found by SRV records alone.

use crate::country::Country;
use crate::support::{Tool, expect_text};

#[test]
fn a_message_finds_its_way_by_srv_records_alone() {
    let country = Country::of(&["a.test", "b.test"], "");
    let [a, b] = country.sites.as_slice() else { panic!() };
    let recv = Tool::spawn(b.tool("impp-recv", "bob").args(["--once", "--format", "{from} {text}"]));
    b.wait_for_logins("bob", 1);
    expect_text(0, a.tool("impp-send", "alice").args(["--wait", "delivered", "-m", "hi", &b.at("bob")]), "");
    let mut recv = recv;
    assert!(recv.end().success());
    assert_eq!(recv.out().all(), "alice@a.test hi");
}
