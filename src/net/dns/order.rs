//! The order in which SRV records are tried: RFC 2782's, with TLS from the first octet before STARTTLS (SPEC §2.2).

use super::answer::Srv;
use crate::net::connect::TlsKind;

/// Puts records into the order in which to try them: by priority; within one, all that start with TLS before the others;
/// within these, drawn by weight.
///
/// `below(n)` is a random number below `n`, each alike likely; `n` is at least 1.
pub fn order<T>(records: Vec<T>, of: impl Fn(&T) -> (&Srv, TlsKind), below: &mut dyn FnMut(u64) -> u64) -> Vec<T> {
    let mut groups: Vec<((u16, bool), Vec<T>)> = Vec::new();
    for record in records {
        let (srv, tls) = of(&record);
        let key = (srv.priority, tls != TlsKind::Require);
        match groups.iter_mut().find(|(known, _)| *known == key) {
            Some((_, group)) => group.push(record),
            None => groups.push((key, vec![record])),
        }
    }
    groups.sort_by_key(|(key, _)| *key);
    groups.into_iter().flat_map(|(_, group)| by_weight(group, |record| of(record).0.weight, below)).collect()
}

/// The algorithm of RFC 2782, page 3. Records of weight 0 stand before the others, in an order of chance, so that none of
/// several is preferred.
pub fn by_weight<T>(records: Vec<T>, weight: impl Fn(&T) -> u16, below: &mut dyn FnMut(u64) -> u64) -> Vec<T> {
    let mut left = shuffle(records, below);
    left.sort_by_key(|record| weight(record) != 0);
    let mut order = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let sum: u64 = left.iter().map(|record| u64::from(weight(record))).sum();
        let drawn = below(sum + 1);
        let mut running = 0;
        let chosen = left.iter().position(|record| {
            running += u64::from(weight(record));
            running >= drawn
        });
        // The last running sum is `sum`, so that there is always one.
        order.push(left.remove(chosen.unwrap_or(0)));
    }
    order
}

/// Fisher and Yates.
fn shuffle<T>(mut records: Vec<T>, below: &mut dyn FnMut(u64) -> u64) -> Vec<T> {
    for end in (1..records.len()).rev() {
        let other = usize::try_from(below(end as u64 + 1)).unwrap_or(0);
        records.swap(end, other.min(end));
    }
    records
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    /// SplitMix64: the tests' dice, the same in every run.
    fn dice(mut state: u64) -> impl FnMut(u64) -> u64 {
        move |bound| {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = state;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            u64::try_from((u128::from(mixed ^ (mixed >> 31)) * u128::from(bound)) >> 64).unwrap()
        }
    }

    /// How likely each whole order is, computed from the words of RFC 2782 by following every draw.
    fn expected(zeros: &[usize], others: &[(usize, u16)], so_far: &[usize], chance: f64, into: &mut HashMap<Vec<usize>, f64>) {
        let sum: u64 = others.iter().map(|(_, weight)| u64::from(*weight)).sum();
        if zeros.is_empty() && others.is_empty() {
            *into.entry(so_far.to_vec()).or_default() += chance;
            return;
        }
        let with = |index: usize| [so_far, &[index]].concat();
        // A draw of 0 takes a record of weight 0 if there is one; which of them, is chance.
        for (at, index) in zeros.iter().enumerate() {
            let rest = [&zeros[..at], &zeros[at + 1..]].concat();
            expected(&rest, others, &with(*index), chance / (sum + 1) as f64 / zeros.len() as f64, into);
        }
        // Any arrangement of the others is allowed; ours is one of chance, in which each stands first equally often.
        for (at, (index, weight)) in others.iter().enumerate() {
            let rest = [&others[..at], &others[at + 1..]].concat();
            let zero = if zeros.is_empty() { 1.0 / others.len() as f64 } else { 0.0 };
            expected(zeros, &rest, &with(*index), chance * (f64::from(*weight) + zero) / (sum + 1) as f64, into);
        }
    }

    #[test]
    fn a_hundred_thousand_draws_agree_with_rfc_2782() {
        const DRAWS: u32 = 100_000;
        let mut below = dice(2782);
        for weights in [&[0, 10, 30, 60][..], &[0, 0, 0], &[7], &[0], &[1, 1], &[0, 0, 5], &[65535, 1]] {
            let mut counted: HashMap<Vec<usize>, u32> = HashMap::new();
            for _ in 0..DRAWS {
                let drawn = by_weight((0..weights.len()).collect(), |index| weights[*index], &mut below);
                *counted.entry(drawn).or_default() += 1;
            }
            let numbered = weights.iter().copied().enumerate();
            let (zeros, others): (Vec<_>, Vec<_>) = numbered.partition(|(_, weight)| *weight == 0);
            let zeros: Vec<usize> = zeros.into_iter().map(|(index, _)| index).collect();
            let mut wanted = HashMap::new();
            expected(&zeros, &others, &[], 1.0, &mut wanted);
            assert!((wanted.values().sum::<f64>() - 1.0).abs() < 1e-9);
            for (order, chance) in &wanted {
                let share = f64::from(counted.remove(order).unwrap_or(0)) / f64::from(DRAWS);
                assert!((share - chance).abs() < 0.01, "{weights:?}: {order:?} came {share}, wanted {chance}");
            }
            assert!(counted.is_empty(), "{weights:?}: never {counted:?}");
        }
    }

    #[test]
    fn the_first_of_0_10_30_60_comes_by_its_weight() {
        const DRAWS: u32 = 100_000;
        let (mut below, weights) = (dice(1), [0_u16, 10, 30, 60]);
        let mut first = [0_u32; 4];
        for _ in 0..DRAWS {
            first[by_weight(vec![0, 1, 2, 3], |index: &usize| weights[*index], &mut below)[0]] += 1;
        }
        for (count, weight) in first.iter().zip([1.0, 10.0, 30.0, 60.0]) {
            assert!((f64::from(*count) / f64::from(DRAWS) - weight / 101.0).abs() < 0.01, "{first:?}");
        }
    }

    #[test]
    fn priority_then_tls_then_weight() {
        let srv = |priority, port| Srv { priority, weight: 0, port, target: Some("im.example.org".into()) };
        let records = vec![
            (srv(20, 1), TlsKind::Require),
            (srv(10, 2), TlsKind::StartTls),
            (srv(10, 3), TlsKind::Require),
            (srv(0, 4), TlsKind::StartTls),
            (srv(10, 5), TlsKind::Require),
        ];
        let mut seen = HashMap::new();
        let mut below = dice(3);
        for _ in 0..100 {
            let ordered = order(records.clone(), |(srv, tls)| (srv, *tls), &mut below);
            *seen.entry(ordered.into_iter().map(|(srv, _)| srv.port).collect::<Vec<_>>()).or_insert(0) += 1;
        }
        let mut orders: Vec<_> = seen.into_keys().collect();
        orders.sort();
        assert_eq!(orders, [[4, 3, 5, 2, 1], [4, 5, 3, 2, 1]]);
    }
}
