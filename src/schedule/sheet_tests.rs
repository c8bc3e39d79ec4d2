//! Tables out and in, and into a file.

use proptest::prelude::*;

use super::*;
use crate::base::Titles;
use crate::base::entries::entries;
use crate::schedule::merge;

fn lang(tag: &str) -> Lang {
    Lang::new(tag).expect("a tag")
}

fn languages() -> Vec<Lang> {
    vec![lang("zh-Hans"), lang("ug-Arab")]
}

fn words() -> Words {
    let named = [
        (Column::When, "日期或星期"),
        (Column::Except, "除外"),
        (Column::Start, "开始"),
        (Column::End, "结束"),
        (Column::Lessons, "课程"),
        (Column::Relay, "转播"),
        (Column::Series, "系列"),
        (Column::Repeat, "重播"),
        (Column::Episodes, "集数"),
        (Column::Keep, "收录"),
        (Column::Lang, "语言"),
    ];
    Words {
        headings: named.into_iter().map(|(c, said)| (c, said.to_owned())).collect(),
        title: "标题".into(),
        daily: "每天".into(),
        weekdays: "工作日".into(),
        days: ["星期一", "星期二", "星期三", "星期四", "星期五", "星期六", "星期日"].map(str::to_owned),
        following: "接着播".into(),
        yes: "是".into(),
    }
}

fn table(rows: Vec<Vec<String>>) -> Table {
    Table { name: "t".into(), rows }
}

/// Entries that lack nothing; one that follows stands behind one of its kind.
fn drafts() -> impl Strategy<Value = Vec<Draft>> {
    let when = prop_oneof![
        any::<[bool; 7]>().prop_filter("a day", |d| *d != [false; 7]).prop_map(When::Weekly),
        (1..28_i8).prop_map(|d| When::Once(Date::new(2026, 12, d).ok()))
    ];
    let minute = || (0..24_i8, 0..60_i8).prop_map(|(h, m)| Time::new(h, m, 0, 0).expect("a time"));
    let one = (when, minute(), proptest::option::of(minute()), 0..4, any::<[bool; 3]>(), 0..3_u32);
    let one = one.prop_map(|(when, start, end, plays, [keep, repeat, follows], episodes)| Draft {
        start: Some(start),
        end,
        follows,
        titles: Titles(
            languages().into_iter().zip(["葡萄 (一)", "ئۈزۈم"]).map(|(l, t)| (l, t.to_owned())).collect(),
        ),
        lessons: if plays < 2 { vec!["a".into(), "b-2".into()] } else { Vec::new() },
        relay: (plays == 2).then(|| "r".to_owned()),
        series: (plays == 3).then(|| "s".to_owned()),
        repeat: repeat && plays == 3,
        episodes: if plays == 3 { episodes } else { 0 },
        keep: keep && plays == 2,
        lang: keep.then(|| lang("ug-Arab")),
        except: match when {
            When::Weekly(_) if repeat => vec![Date::constant(2026, 12, 24), Date::constant(2027, 1, 1)],
            _ => Vec::new(),
        },
        ..Draft::new(when)
    });
    proptest::collection::vec(one, 0..8).prop_map(|mut all| {
        for at in 0..all.len() {
            let above = at.checked_sub(1).map(|above| all[above].clone());
            let draft = &mut all[at];
            draft.follows &= above.as_ref().is_some_and(|above| above.section() == draft.section());
            if draft.follows {
                draft.start = None;
                draft.when = match draft.when {
                    When::Weekly(_) => When::Weekly([false; 7]),
                    When::Once(_) => When::Once(None),
                };
            }
        }
        all
    })
}

/// The entries of a file, weekly ones first.
fn standing(text: &str) -> Vec<Draft> {
    let of = |section| {
        let all = entries(text, section).expect("entries");
        all.into_iter().map(move |e| Draft::of(section, &e.values()))
    };
    of("weekly").chain(of("once")).collect()
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(drafts in drafts()) {
        let rows = write(&drafts, &words(), &languages());
        let found = read(&table(rows), &[words()]).expect("read");
        prop_assert_eq!(found.into_iter().map(|(_, d)| d).collect::<Vec<_>>(), drafts);
    }

    /// A file that is written out and taken in again does not change by a byte.
    #[test]
    fn a_round_trip_changes_nothing(drafts in drafts(), whole: bool) {
        let text = "# Of the county.\nchannel = \"x\"\n";
        let (file, _) = merge(text, &drafts, true).expect("taken");
        let out = standing(&file);
        let found = read(&table(write(&out, &words(), &languages())), &[words()]).expect("read");
        let again: Vec<Draft> = found.into_iter().map(|(_, d)| d).collect();
        let (after, differences) = merge(&file, &again, whole).expect("taken");
        prop_assert_eq!((after, differences), (file, Vec::new()));
    }

    /// What is taken in stands there afterwards, each entry that follows behind
    /// the one it follows; and what the file said besides is not lost.
    #[test]
    fn what_is_taken_in_stands_there(before in drafts(), table in drafts(), whole: bool) {
        let text = "# Of the county.\nchannel = \"x\"\n";
        let (file, _) = merge(text, &before, true).expect("taken");
        let (after, differences) = merge(&file, &table, whole).expect("taken");
        prop_assert!(after.starts_with("# Of the county.\n"));
        let mut found = standing(&after);
        for draft in &table {
            let at = found.iter().position(|d| d == draft);
            prop_assert!(at.is_some(), "{:?} is not in {}", draft, after);
            found.remove(at.expect("there"));
        }
        prop_assert!(!whole || found.is_empty(), "{:?} stayed", found);
        // Nothing but what is told is different.
        let gone = differences.iter().filter(|d| d.after.is_none()).count();
        let new = differences.iter().filter(|d| d.before.is_none()).count();
        prop_assert_eq!(standing(&file).len() + new - gone, standing(&after).len());
    }
}

#[test]
fn headings_and_cells_may_be_in_any_language_or_as_in_files() {
    let row = |cells: &[&str]| cells.iter().map(|c| (*c).to_owned()).collect::<Vec<_>>();
    let rows = vec![
        row(&["When", "开始", "title (ug-Arab)", "play", "Keep"]),
        row(&[]),
        row(&["星期一 wed、星期五", "9:30", "ئۈزۈم", "a，b", ""]),
        row(&["2026-12-01", "19:30", "", "a", "no"]),
        row(&["", "接着播", "", "b", ""]),
    ];
    let found = read(&table(rows), &[words()]).expect("read");
    assert_eq!(found[0].0, 3, "the line as the spreadsheet counts it");
    let when = When::Weekly([true, false, true, false, true, false, false]);
    assert_eq!((found[0].1.when, found[0].1.start), (when, time("09:30")));
    assert_eq!(found[0].1.lessons, ["a", "b"]);
    assert!(found[2].1.follows && found[2].1.when == When::Once(None));
}

#[test]
fn what_is_wrong_is_told_with_its_line() {
    let row = |cells: &[&str]| cells.iter().map(|c| (*c).to_owned()).collect::<Vec<_>>();
    let told = |rows: Vec<Vec<String>>| {
        let problems = read(&table(rows), &[words()]).expect_err("wrong");
        problems.into_iter().map(|p| (p.line, p.wrong)).collect::<Vec<_>>()
    };
    assert_eq!(told(Vec::new()), [(1, Wrong::NoHeadings)]);
    assert_eq!(told(vec![row(&["when", "colour"])])[0], (1, Wrong::Heading("colour".into())));
    let rows = vec![
        row(&["when", "start", "play", "episodes", "lang"]),
        row(&["someday", "25:00", "a", "", "!"]),
        row(&["mon", "12:00", "", "many", ""]),
    ];
    let expected = [
        (2, Wrong::When("someday".into())),
        (2, Wrong::Time("25:00".into())),
        (2, Wrong::Lang("!".into())),
        (2, Wrong::Lacks(Lack::Date)),
        (3, Wrong::Number("many".into())),
        (3, Wrong::Lacks(Lack::Play)),
    ];
    assert_eq!(told(rows), expected);
}

#[test]
fn comments_stay_where_an_entry_is_changed_or_stays() {
    let file = "channel = \"x\"\n\n# The news.\n[[weekly]]\ndays = \"daily\" # all\nstart = \"19:00\"\nend = \"19:30\"\nrelay = \"r\"\n\n\
                # Grapes.\n[[weekly]]\ndays = \"daily\"\nstart = \"19:30\"\nplay = [\"a\"]\n";
    let mut all = standing(file);
    all[0].end = time("19:20");
    let follows = Draft { follows: true, lessons: vec!["b".into()], ..Draft::new(When::Weekly([false; 7])) };
    all.insert(1, follows);
    let (text, differences) = merge(file, &all, true).expect("taken");
    assert_eq!(differences.len(), 2);
    let expected = file
        .replace("\"19:30\"\nrelay", "\"19:20\"\nrelay")
        .replace("\n# Grapes", "\n[[weekly]]\nstart = \"following\"\nplay = [\"b\"]\n\n# Grapes");
    assert_eq!(text, expected);
}
