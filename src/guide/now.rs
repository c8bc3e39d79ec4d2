//! Now and next.

use jiff::Timestamp;

use super::{Entry, Listing};

/// The entry running at `now`, none in a gap, and up to `count` that start later.
pub fn now_next(listing: &Listing, now: Timestamp, count: usize) -> (Option<&Entry>, Vec<&Entry>) {
    let begun = listing.entries.partition_point(|e| e.programme.start <= now);
    let running = listing.entries[..begun].last().filter(|e| now < e.end);
    (running, listing.entries[begun..].iter().take(count).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guide::fixtures::{an_evening, at};

    #[test]
    fn now_and_next_through_an_evening() {
        let evening = an_evening();
        let starts = |time: &str| {
            let (now, next) = now_next(&evening, at(time), 2);
            let said = |e: &&Entry| e.programme.start.strftime("%H:%M").to_string();
            (now.map(|e| said(&e)), next.iter().map(said).collect::<Vec<_>>())
        };
        assert_eq!(starts("10:59"), (None, vec!["11:00".to_owned(), "11:30".to_owned()]));
        assert_eq!(starts("11:00"), (Some("11:00".to_owned()), vec!["11:30".to_owned(), "13:00".to_owned()]));
        assert_eq!(starts("12:30"), (None, vec!["13:00".to_owned()]));
        assert_eq!(starts("13:59"), (Some("13:00".to_owned()), vec![]));
        assert_eq!(starts("14:00"), (None, vec![]));
    }
}
