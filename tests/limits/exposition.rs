//! A reader of Prometheus's text format as strict as its own checker: HELP and TYPE first, names, labels, buckets that grow.

use std::collections::{BTreeMap, BTreeSet};

/// What was read: each sample by its name and labels, as they stand.
pub(crate) struct Exposition {
    pub(crate) samples: BTreeMap<String, f64>,
    /// Name and type of each family.
    pub(crate) families: BTreeMap<String, String>,
}

impl Exposition {
    /// Reads a whole text, and refuses what a strict reader would.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (mut families, mut helped) = (BTreeMap::new(), BTreeSet::new());
        let mut samples = BTreeMap::new();
        let mut current: Option<(String, String)> = None;
        if !text.ends_with('\n') {
            return Err("the last line has no end".to_owned());
        }
        for line in text.lines() {
            let fault = |what: &str| format!("{what}: {line}");
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = rest.split_once(' ').ok_or_else(|| fault("no help"))?;
                if help.is_empty() || !helped.insert(name.to_owned()) {
                    return Err(fault("empty or repeated HELP"));
                }
                current = None;
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').ok_or_else(|| fault("no type"))?;
                if !helped.contains(name) || !["counter", "gauge", "histogram"].contains(&kind) {
                    return Err(fault("TYPE without HELP, or of no known kind"));
                }
                if families.insert(name.to_owned(), kind.to_owned()).is_some() {
                    return Err(fault("repeated TYPE"));
                }
                current = Some((name.to_owned(), kind.to_owned()));
            } else {
                let (series, value) = line.rsplit_once(' ').ok_or_else(|| fault("no value"))?;
                let value: f64 = value.parse().map_err(|_| fault("no number"))?;
                let name = series.split('{').next().unwrap();
                let (family, kind) = current.as_ref().ok_or_else(|| fault("sample outside its family"))?;
                let suffixes: &[&str] = if kind == "histogram" { &["_bucket", "_sum", "_count"] } else { &[""] };
                if !suffixes.iter().any(|suffix| name.strip_suffix(suffix) == Some(family)) {
                    return Err(fault("sample of another family"));
                }
                labels(series).map_err(|what| fault(&what))?;
                if value < 0.0 || samples.insert(series.to_owned(), value).is_some() {
                    return Err(fault("negative or repeated"));
                }
            }
        }
        let read = Self { samples, families };
        read.check_histograms()?;
        Ok(read)
    }

    /// The value of a series; 0 if it is not there.
    pub(crate) fn value(&self, series: &str) -> f64 {
        self.samples.get(series).copied().unwrap_or_default()
    }

    fn check_histograms(&self) -> Result<(), String> {
        for (name, _) in self.families.iter().filter(|(_, kind)| *kind == "histogram") {
            let prefix = format!("{name}_bucket{{le=\"");
            let mut buckets: Vec<(f64, f64)> = Vec::new();
            for (series, count) in self.samples.iter().filter(|(series, _)| series.starts_with(&prefix)) {
                let bound = series[prefix.len()..].trim_end_matches("\"}");
                buckets.push((if bound == "+Inf" { f64::INFINITY } else { bound.parse().map_err(|_| series.clone())? }, *count));
            }
            buckets.sort_by(|one, other| one.0.total_cmp(&other.0));
            let grows = buckets.windows(2).all(|pair| pair[0].1 <= pair[1].1);
            let last = buckets.last().copied().unwrap_or_default();
            if !grows || last.0 != f64::INFINITY || last.1 != self.value(&format!("{name}_count")) {
                return Err(format!("{name}: buckets that shrink, or a count that is not theirs: {buckets:?}"));
            }
            if !self.samples.contains_key(&format!("{name}_sum")) {
                return Err(format!("{name} has no sum"));
            }
        }
        Ok(())
    }
}

/// Whether name and labels are written as they must be.
fn labels(series: &str) -> Result<(), String> {
    let (name, rest) = series.split_once('{').map_or((series, None), |(name, rest)| (name, Some(rest)));
    let is_name = |name: &str| {
        !name.is_empty()
            && !name.starts_with(|c: char| c.is_ascii_digit())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    if !is_name(name) {
        return Err("no name".to_owned());
    }
    let Some(rest) = rest else { return Ok(()) };
    let mut rest = rest.strip_suffix('}').ok_or("no }")?;
    while !rest.is_empty() {
        let (label, value) = rest.split_once("=\"").ok_or("no value of a label")?;
        let mut escaped = false;
        let end = value.find(|c| {
            let ends = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        });
        let end = end.ok_or("no end of a label's value")?;
        if !is_name(label) {
            return Err(format!("no name of a label: {label}"));
        }
        rest = &value[end + 1..];
        rest = rest.strip_prefix(',').unwrap_or(rest);
    }
    Ok(())
}

#[test]
fn the_reader_refuses_what_prometheus_would() {
    let head = "# HELP a_total A.\n# TYPE a_total counter\n";
    let histogram = "# HELP h_seconds H.\n# TYPE h_seconds histogram\n";
    let good = [
        format!("{head}a_total 1\n"),
        format!("{head}a_total{{x=\"1\",y=\"a\\\"b,}}\"}} 1\n"),
        format!(
            "{histogram}h_seconds_bucket{{le=\"1\"}} 1\nh_seconds_bucket{{le=\"+Inf\"}} 2\nh_seconds_sum 3\nh_seconds_count 2\n"
        ),
    ];
    for text in &good {
        assert!(Exposition::parse(text).is_ok(), "{text}");
    }
    let bad = [
        "a_total 1\n".to_owned(),
        "# TYPE a_total counter\na_total 1\n".to_owned(),
        format!("{head}b_total 1\n"),
        format!("{head}a_total 1\na_total 2\n"),
        format!("{head}a_total x\n"),
        format!("{head}a_total 1"),
        format!("{head}{head}a_total 1\n"),
        format!("{head}a_total{{x=1}} 1\n"),
        format!(
            "{histogram}h_seconds_bucket{{le=\"1\"}} 3\nh_seconds_bucket{{le=\"+Inf\"}} 2\nh_seconds_sum 3\nh_seconds_count 2\n"
        ),
        format!("{histogram}h_seconds_bucket{{le=\"1\"}} 1\nh_seconds_sum 3\nh_seconds_count 1\n"),
    ];
    for text in &bad {
        assert!(Exposition::parse(text).is_err(), "{text}");
    }
}
