//! Holds what a tool writes with `--json` to the table of its manual: every key that is there is told, every key that is told is there.

use impp::cli::manual::{Place, Records};
use impp::cli::tools::MANUALS;
use serde_json::{Map, Value};

/// Objects whose keys are the person's own.
const FREE: [&str; 1] = ["card"];
/// What stands alone where there is no more to tell.
const ALONE: [&str; 2] = ["error", "address"];

/// Checks every line of a tool's output.
#[track_caller]
pub(crate) fn hold(tool: &str, out: &str) {
    let (_, manual) = MANUALS.iter().find(|(name, _)| *name == tool).unwrap_or_else(|| panic!("{tool} has no manual"));
    for line in out.lines() {
        let Ok(Value::Object(object)) = serde_json::from_str(line) else { panic!("{tool} wrote no object: {line}") };
        assert_eq!(object.keys().next().map(String::as_str), Some("v"), "{line}");
        check(manual.records, Place::Line, &object, line);
    }
}

#[track_caller]
fn check(told: &[Records], place: Place, object: &Map<String, Value>, line: &str) {
    let keys: Vec<&str> = object.keys().map(String::as_str).filter(|key| place == Place::Within || *key != "v").collect();
    let alone = place == Place::Within && keys.len() == 1 && ALONE.contains(&keys[0]);
    let is_told = |records: &&Records| records.place == place && records.keys().map(|key| key.name).eq(keys.iter().copied());
    assert!(alone || told.iter().any(|records| is_told(&records)), "the manual knows no record {keys:?}: {line}");
    for value in object.iter().filter(|(key, _)| !FREE.contains(&key.as_str())).map(|(_, value)| value) {
        let inner = match value {
            Value::Array(values) => values.as_slice(),
            other => std::slice::from_ref(other),
        };
        inner.iter().filter_map(Value::as_object).for_each(|object| check(told, Place::Within, object, line));
    }
}
