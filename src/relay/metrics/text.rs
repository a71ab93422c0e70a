//! The text that Prometheus reads: families with HELP and TYPE, samples with labels.
//!
//! *Shape:* version 0.0.4 of the exposition format, as every Prometheus since 2014 reads it.

use super::catalogue::Family;
use super::catalogue::Kind;
use super::number::Reading;
use core::fmt::Display;
use core::fmt::Write;

/// What the answer calls itself.
pub(in crate::relay) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A text that grows family by family.
#[derive(Debug, Default)]
pub(super) struct Text(String);

/// A label's name and value.
pub(super) type Label<'a> = (&'static str, &'a str);

impl Text {
    /// A family's head, and then its samples. A family without samples is left out.
    pub(super) fn family(&mut self, family: &Family, samples: impl FnOnce(&mut Samples<'_>)) {
        let begin = self.0.len();
        // Writing to a String cannot fail.
        let _ = writeln!(self.0, "# HELP {} {}", family.name, family.help);
        let _ = writeln!(self.0, "# TYPE {} {}", family.name, family.kind.as_str());
        let head = self.0.len();
        samples(&mut Samples { text: &mut self.0, family });
        if self.0.len() == head {
            self.0.truncate(begin);
        }
    }

    pub(super) fn finish(self) -> String {
        self.0
    }
}

/// Where a family's samples go.
pub(super) struct Samples<'a> {
    text: &'a mut String,
    family: &'a Family,
}

impl Samples<'_> {
    /// A number.
    pub(super) fn put(&mut self, labels: &[Label<'_>], value: impl Display) {
        self.line("", labels, None, value);
    }

    /// A histogram.
    pub(super) fn histogram(&mut self, labels: &[Label<'_>], reading: &Reading) {
        debug_assert_eq!(self.family.kind, Kind::Histogram);
        for (bound, count) in &reading.buckets {
            self.line("_bucket", labels, Some(&bound.to_string()), count);
        }
        self.line("_bucket", labels, Some("+Inf"), reading.count);
        self.line("_sum", labels, None, reading.sum);
        self.line("_count", labels, None, reading.count);
    }

    fn line(&mut self, suffix: &str, labels: &[Label<'_>], bound: Option<&str>, value: impl Display) {
        self.text.push_str(self.family.name);
        self.text.push_str(suffix);
        for (at, (name, value)) in labels.iter().copied().chain(bound.map(|bound| ("le", bound))).enumerate() {
            self.text.push(if at == 0 { '{' } else { ',' });
            self.text.push_str(name);
            self.text.push_str("=\"");
            for letter in value.chars() {
                match letter {
                    '\\' => self.text.push_str("\\\\"),
                    '"' => self.text.push_str("\\\""),
                    '\n' => self.text.push_str("\\n"),
                    letter => self.text.push(letter),
                }
            }
            self.text.push('"');
        }
        if !labels.is_empty() || bound.is_some() {
            self.text.push('}');
        }
        let _ = writeln!(self.text, " {value}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::relay::metrics::number::Histogram;
    use std::time::Duration;

    #[test]
    fn families_samples_and_what_must_be_escaped() {
        let family = |name, kind| Family { name, kind, help: "What it is." };
        let mut text = Text::default();
        text.family(&family("impp_none_total", Kind::Counter), |_| ());
        text.family(&family("impp_links", Kind::Gauge), |samples| {
            samples.put(&[("theirs", "a\\b\"c\nd"), ("state", "up")], 2);
            samples.put(&[], 1.5);
        });
        let histogram = Histogram::new(&[0.5]);
        histogram.observe(Duration::from_millis(250));
        text.family(&family("impp_wait_seconds", Kind::Histogram), |samples| samples.histogram(&[], &histogram.read()));
        let expected = "# HELP impp_links What it is.\n\
             # TYPE impp_links gauge\n\
             impp_links{theirs=\"a\\\\b\\\"c\\nd\",state=\"up\"} 2\n\
             impp_links 1.5\n\
             # HELP impp_wait_seconds What it is.\n\
             # TYPE impp_wait_seconds histogram\n\
             impp_wait_seconds_bucket{le=\"0.5\"} 1\n\
             impp_wait_seconds_bucket{le=\"+Inf\"} 1\n\
             impp_wait_seconds_sum 0.25\n\
             impp_wait_seconds_count 1\n";
        assert_eq!(text.finish(), expected);
    }
}
