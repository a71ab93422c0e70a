//! What lies in packaging/ for those who watch: every name in it is one that there is.

use impp::relay::metrics::{FAMILIES, Kind};
use serde_json::Value;
use std::path::Path;

#[test]
fn the_dashboard_asks_for_metrics_that_exist() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/grafana/impp-relay.json");
    let dashboard: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let mut asked = std::collections::BTreeSet::new();
    for panel in panels {
        for target in panel["targets"].as_array().unwrap() {
            let query = target["expr"].as_str().unwrap();
            let words = query.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
            let names: Vec<&str> = words.filter(|word| word.starts_with("impp_") || word.starts_with("process_")).collect();
            assert!(!names.is_empty(), "{query}");
            for name in names {
                let family = FAMILIES.iter().find(|family| match family.kind {
                    Kind::Histogram => name.strip_suffix("_bucket") == Some(family.name),
                    _ => name == family.name,
                });
                let family = family.unwrap_or_else(|| panic!("{name} of {} does not exist", panel["title"]));
                assert!(family.kind != Kind::Counter || query.contains("rate("), "a counter as it stands: {query}");
                asked.insert(family.name);
            }
        }
    }
    let unasked: Vec<_> = FAMILIES.iter().map(|family| family.name).filter(|name| !asked.contains(name)).collect();
    assert!(unasked.is_empty(), "on no panel: {unasked:?}");
    let positions: std::collections::BTreeSet<String> = panels.iter().map(|panel| panel["gridPos"].to_string()).collect();
    assert_eq!(positions.len(), panels.len(), "panels lie on each other");
}
