//! A store of ten million playbacks: 500 sites over ten years, five or six a
//! day each. How long a site's year takes, the county's year, and a site's day
//! with its playbacks.
//!
//! `make bench` runs it; it writes some ten gigabytes below the system's folder
//! for temporary files (`TMPDIR`), and takes them away again. `MILLIONS` says
//! how many playbacks.

#![expect(clippy::print_stdout, reason = "a benchmark speaks to who runs it")]
#![expect(clippy::disallowed_methods, reason = "a benchmark measures time")]

use std::path::Path;
use std::time::Instant;

use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use rusqlite::{Connection, params};
use yuanjiao::base::{ChannelId, IntervalSet, SessionId, SiteId, TerminalId, Titles};
use yuanjiao::evidence::{DeliveredSegment, Device, Item, Opening, SILENCE, Session};
use yuanjiao::store::Store;

const SITES: usize = 500;
const DAYS: i32 = 3650;
const ASKED: usize = 101;
const FIRST: Date = date(2017, 1, 1);

fn main() {
    let millions: usize = std::env::var("MILLIONS").map_or(10, |n| n.parse().expect("MILLIONS is a number"));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("years.db");
    drop(Store::open(&path).expect("a store"));
    let begun = Instant::now();
    let rows = fill(&path, millions * 1_000_000);
    let size = std::fs::metadata(&path).expect("a file").len();
    println!(
        "{rows} playbacks of {SITES} sites in {DAYS} days: {:.1} GB, written in {:.0} s",
        size as f64 / 1e9,
        begun.elapsed().as_secs_f64()
    );
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().expect("a runtime");
    runtime.block_on(ask(&Store::open(&path).expect("the store")));
}

fn site(n: usize) -> SiteId {
    SiteId::new(&format!("site-{n:03}")).expect("an id")
}

fn day(n: i32) -> Date {
    FIRST.checked_add(n.days()).expect("a day")
}

/// A playback of an evening, as the server writes it when it has closed.
fn a_playback() -> Session {
    let opening = Opening {
        id: SessionId::new("0123456789abcdef0123").expect("an id"),
        site: Some(site(0)),
        terminal: TerminalId::new("hall").ok(),
        item: Item::Channel(ChannelId::new("xiangtu").expect("an id")),
        title: Titles::from([("zh-Hans", "乡土课堂"), ("ug-Arab", "يېزا دەرسخانىسى")]),
        content_hash: None,
        duration_ms: None,
        lang: None,
        device: Device::Tv,
        timeout: SILENCE,
    };
    let at = Timestamp::from_second(1_500_000_000).expect("an instant");
    let mut session = Session::new(opening, at);
    for n in 0..900u64 {
        let start_ms = at.as_millisecond() + n as i64 * 3840;
        let segment = DeliveredSegment { owner: "relay.national", n, start_ms, dur_ms: 3840 };
        session.deliver(segment, at + (n as i64 * 4).seconds());
    }
    session.tick(at + 2.hours());
    session
}

/// Fills it as years of closed playbacks do; returns how many.
fn fill(path: &Path, playbacks: usize) -> usize {
    let mut db = Connection::open(path).expect("opens");
    // Only for filling: nothing is lost that could not be made again.
    db.pragma_update(None, "synchronous", "off").expect("set");
    let record = serde_json::to_string(&a_playback().record()).expect("serialises");
    let each_day = playbacks / (SITES * DAYS as usize);
    let extra = playbacks % (SITES * DAYS as usize);
    let mut made = 0;
    for n in 0..DAYS {
        let transaction = db.transaction().expect("begins");
        let midnight = day(n).to_zoned_datetime(TimeZone::UTC).expect("midnight").timestamp();
        let mut add = transaction
            .prepare_cached(
                "insert into session (id, site, terminal, opened_us, active_us, closed_us, body, record, entry)
                 values (?1, ?2, 'hall', ?3, ?4, ?5, '', ?6, ?7)",
            )
            .expect("a query");
        let mut sum = transaction
            .prepare_cached(
                "insert into site_day (site, day, watched, verified, watched_ms, verified_ms, sessions)
                 values (?1, ?2, ?3, ?3, ?4, ?4, ?5)",
            )
            .expect("a query");
        for s in 0..SITES {
            let site = site(s);
            let count = each_day + usize::from((n as usize * SITES + s) < extra);
            let mut set = IntervalSet::new();
            for k in 0..count {
                let opened = midnight + (11 * 3600 + k as i64 * 4000).seconds();
                let closed = opened + 1.hours();
                set.insert(opened.as_millisecond(), closed.as_millisecond());
                add.execute(params![
                    format!("{made:020x}"),
                    site.as_str(),
                    opened.as_microsecond(),
                    closed.as_microsecond(),
                    closed.as_microsecond(),
                    record,
                    made as i64,
                ])
                .expect("goes in");
                made += 1;
            }
            let text = serde_json::to_string(&set).expect("serialises");
            sum.execute(params![site.as_str(), day(n).to_string(), text, set.total(), count as i64])
                .expect("goes in");
        }
        drop((add, sum));
        transaction.commit().expect("commits");
    }
    made
}

async fn ask(store: &Store) {
    let year = |n: usize| {
        let year = 2017 + (n % 9) as i16;
        (date(year, 1, 1), date(year, 12, 31))
    };
    let mut times = [const { Vec::new() }; 3];
    for n in 0..ASKED {
        let id = site(n * 7 % SITES);
        let begun = Instant::now();
        let days = store.played_days(Some(id.clone()), year(n)).await.expect("a site's year");
        times[0].push(begun.elapsed().as_secs_f64() * 1000.0);
        assert!(days[&id].len() >= 365);
        let from = year(n).0.to_zoned_datetime(TimeZone::UTC).expect("midnight").timestamp();
        let begun = Instant::now();
        let playbacks = store.site_sessions(&id, from, from + 24.hours()).await.expect("a site's day");
        times[2].push(begun.elapsed().as_secs_f64() * 1000.0);
        assert!(!playbacks.is_empty());
    }
    for n in 0..9 {
        let begun = Instant::now();
        let all = store.played_days(None, year(n)).await.expect("the county's year");
        times[1].push(begun.elapsed().as_secs_f64() * 1000.0);
        assert_eq!(all.len(), SITES);
    }
    println!("{:<40}{:>10}{:>10}", "milliseconds", "median", "worst");
    for (name, mut all) in
        ["a site's year", "the county's year", "a site's day, each playback"].into_iter().zip(times)
    {
        all.sort_by(f64::total_cmp);
        println!("{name:<40}{:>10.2}{:>10.2}", all[all.len() / 2], all.last().copied().unwrap_or_default());
    }
}
