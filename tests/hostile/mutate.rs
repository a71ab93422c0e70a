//! Octets that are nearly right: bits flipped, pieces cut out, said twice, or put into the middle of others.

use crate::dice::Dice;

/// One to three changes; `others` is where pieces of other conversations come from.
pub(crate) fn mutate(octets: &[u8], others: &[Vec<u8>], dice: &mut Dice) -> Vec<u8> {
    let mut out = octets.to_vec();
    for _ in 0..=dice.between(0..3) {
        let at = dice.between(0..out.len() + 1);
        match dice.between(0..6) {
            0 if at < out.len() => out[at] ^= 1 << dice.between(0..8),
            1 => out.truncate(at),
            2 => {
                let end = (at + dice.between(1..40)).min(out.len());
                out.drain(at..end);
            }
            3 => {
                let end = (at + dice.between(1..200)).min(out.len());
                let again = out[at..end].to_vec();
                out.splice(end..end, again);
            }
            4 => {
                let other = &others[dice.between(0..others.len())];
                let start = dice.between(0..other.len() + 1);
                let end = (start + dice.between(1..300)).min(other.len());
                out.splice(at..at, other[start..end].iter().copied());
            }
            _ => {
                let strange = dice.octets(3);
                out.splice(at..at, strange);
            }
        }
    }
    out
}
