use std::fmt::Write;
use std::time::Duration;

use proptest::prelude::*;

use super::samples::*;
use super::*;
use crate::base::{LessonId, Titles};

const LIMIT: usize = 150_000;

/// Every page with sample data, in `tag`.
fn pages(tag: &str) -> Vec<(&'static str, String)> {
    let (page_lang, tz, county) = (lang(tag), county_zone(), county());
    let languages = langs(&["zh-Hans", "ug-Arab", "kk-Arab", "kk-Cyrl", "mn-Mong", "en"]);
    let at = |path| PageContext {
        lang: &page_lang,
        languages: &languages,
        now: now(),
        tz: &tz,
        county: &county,
        path,
        saver: false,
    };
    let home = HomePage { channels: channels(), lessons: lessons(), packaging: vec![] };
    let mut starting = channels();
    for c in &mut starting {
        c.status = ChannelStatus::Starting;
        c.now = None;
        c.next.clear();
    }
    let waiting = HomePage { channels: starting, lessons: vec![], packaging: packaging() };
    let card = channels().remove(0);
    let channel = ChannelPage { card, audio: langs(&["zh-Hans", "ug-Arab"]), subtitles: langs(&["zh-Hans"]) };
    let lesson = LessonPage {
        card: lessons().remove(0),
        topic: None,
        parts: Vec::new(),
        others: lessons(),
        files: Vec::new(),
        documents: vec![DocumentView {
            name: "葡萄修剪 <讲义>.pdf".to_owned(),
            href: "/lessons/grape-pruning/files/a.pdf".to_owned(),
            bytes: 1_250_000,
            pages: Some(12),
            thumbnail: Some("/lessons/grape-pruning/files/a.pdf/thumbnail".to_owned()),
        }],
    };
    let empty = SitePage { terminals: vec![], sessions: vec![], totals: Totals::default(), ..site() };
    let error = ErrorPage { status: 404, detail: Some("/channels/nowhere".to_owned()) };
    vec![
        ("home", home.render(&at("/")).expect("home")),
        ("waiting", waiting.render(&at("/")).expect("waiting")),
        ("guide", guide(48).render(&at("/guide?date=2026-11-23")).expect("guide")),
        ("guide-heavy", guide(720).render(&at("/guide")).expect("heavy guide")),
        ("channel", channel.render(&at("/channels/xiangtu")).expect("channel")),
        (
            "lessons",
            LessonsPage { lessons: lessons(), ..LessonsPage::default() }
                .render(&at("/lessons"))
                .expect("lessons"),
        ),
        (
            "evening",
            EveningPage {
                titles: grapes(),
                lessons: lessons(),
                missing: 1,
                offered: vec![(LessonId::new("roots").expect("an id"), "Roots <b>".to_owned())],
                ..EveningPage::default()
            }
            .render(&at("/evening"))
            .expect("an evening"),
        ),
        (
            "evening-empty",
            EveningPage {
                mine: true,
                kept: vec![KeptEvening {
                    id: 3,
                    titles: grapes(),
                    lessons: lessons().into_iter().map(|l| l.id).collect(),
                    duration: Duration::from_secs(90),
                }],
                ..EveningPage::default()
            }
            .render(&at("/evening"))
            .expect("no evening"),
        ),
        ("lessons-empty", LessonsPage::default().render(&at("/lessons")).expect("no lessons")),
        ("lesson", lesson.render(&at("/lessons/grape-pruning")).expect("lesson")),
        ("sites", sites().render(&at("/sites")).expect("sites")),
        ("sites-empty", SitesPage::default().render(&at("/sites")).expect("no sites")),
        ("site", site().render(&at("/sites/qaratal")).expect("site")),
        ("site-empty", empty.render(&at("/sites/qaratal")).expect("empty site")),
        ("design", DesignPage.render(&at("/office/design")).expect("design")),
        ("error", error.render(&at("/channels/nowhere")).expect("error")),
        ("offline", OfflinePage.render(&at("/offline")).expect("offline")),
    ]
}

fn page(tag: &str, name: &str) -> String {
    pages(tag).into_iter().find(|p| p.0 == name).expect("a page").1
}

#[test]
fn every_page_says_its_language_and_direction_and_is_light() {
    for (tag, dir) in
        [("zh-Hans", "ltr"), ("ug-Arab", "rtl"), ("kk-Arab", "rtl"), ("mn-Mong", "ltr"), ("en", "ltr")]
    {
        for (name, html) in pages(tag) {
            assert!(html.contains(&format!("<html lang=\"{tag}\" dir=\"{dir}\">")), "{name} in {tag}");
            assert!(html.len() < LIMIT, "{name} in {tag} has {} bytes", html.len());
            assert!(html.contains("class=\"skip\""), "{name} has no skip link");
            assert_eq!(html.matches("<h1").count(), 1, "{name} has one first heading");
        }
    }
}

#[test]
fn no_page_holds_inline_script_or_style() {
    for (name, html) in pages("zh-Hans") {
        assert!(!html.contains(" style="), "{name}");
        assert!(!html.contains("<style"), "{name}");
        for script in html.split("<script").skip(1) {
            let tag = script.split('>').next().unwrap_or_default();
            assert!(tag.contains("src=") || tag.contains("application/json"), "{name}: {tag}");
        }
        for attribute in [" onclick=", " onload=", "javascript:", "//cdn", "https://"] {
            assert!(!html.contains(attribute), "{name}: {attribute}");
        }
    }
}

#[test]
fn a_page_asks_for_its_own_script_s_font_alone() {
    let fonts = |tag| {
        let html = page(tag, "home");
        let links = html.split("rel=\"preload\" href=\"").skip(1);
        links.filter_map(|r| r.split('"').next().map(str::to_owned)).collect::<Vec<_>>()
    };
    assert_eq!(fonts("zh-Hans").len() + fonts("en").len() + fonts("kk-Cyrl").len(), 0);
    assert_eq!(fonts("ug-Arab").len(), 2, "both weights");
    assert!(fonts("mn-Mong").iter().all(|f| f.contains("mongolian")));
}

#[test]
fn identifiers_in_a_page_are_unique() {
    for (name, html) in pages("en") {
        let mut ids: Vec<&str> = html.split(" id=\"").skip(1).filter_map(|r| r.split('"').next()).collect();
        let all = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), all, "{name}");
    }
}

#[test]
fn a_title_in_another_language_is_marked_and_isolated() {
    let html = page("ug-Arab", "home");
    assert!(html.contains(r#"<bdi lang="zh-Hans" dir="ltr">转播：中央台新闻</bdi> <span class="other""#));
    assert!(
        html.contains(r#"<bdi lang="ug-Arab" dir="rtl">ئۈزۈم تېلىنى قىشلىق پۇتاش تېخنىكىسى</bdi></strong>"#)
    );
}

#[test]
fn times_are_the_county_s() {
    let html = page("en", "home");
    assert!(html.contains(">19:30</time><progress max=\"1800\" value=\"720\""), "the programme on now");
    assert!(html.contains("Asia/Shanghai"));
    assert!(page("en", "guide").contains("Monday, 23 November 2026"));
}

#[test]
fn what_is_left_is_said_in_minutes_then_in_hours() {
    let (page_lang, tz, county) = (lang("en"), county_zone(), county());
    let ctx = PageContext {
        lang: &page_lang,
        languages: &[],
        now: now(),
        tz: &tz,
        county: &county,
        path: "/",
        saver: false,
    };
    let left = |minutes| ctx.left(&(now() + jiff::SignedDuration::from_mins(minutes)));
    assert_eq!([left(1), left(100), left(1223)], ["1 min left", "100 min left", "about 20 h left"]);
}

#[test]
fn languages_link_to_the_same_page() {
    let html = page("zh-Hans", "guide");
    assert!(html.contains("/guide?date=2026-11-23&#38;lang=ug-Arab"), "the query is kept");
    assert!(page("zh-Hans", "home").contains("href=\"/?lang=en\""));
}

#[test]
fn the_guide_opens_the_present_and_dims_the_past() {
    let html = page("en", "guide");
    assert_eq!(
        html.matches("aria-current=\"true\"").count(),
        2 + 1,
        "one on each full channel, and the language"
    );
    assert!(html.contains("class=\"l past\""));
    assert_eq!(html.matches("<details open>").count(), 2);
    let heavy = page("en", "guide-heavy");
    assert!(heavy.contains("/guide?date=2026-11-23&amp;hour=3#xiangtu"), "far hours are links");
}

#[test]
fn an_hour_asked_for_is_open() {
    let (page_lang, tz, county) = (lang("en"), county_zone(), county());
    let ctx = PageContext {
        lang: &page_lang,
        languages: &[],
        now: now(),
        tz: &tz,
        county: &county,
        path: "/guide",
        saver: false,
    };
    let html = GuidePage { hour: Some(3), ..guide(720) }.render(&ctx).expect("guide");
    assert!(html.contains("<details open><summary><bdi dir=\"ltr\">03:00</bdi>"));
    assert!(html.contains("hour=19"));
}

#[test]
fn a_player_without_script_still_has_a_video_and_an_address() {
    for (name, source) in
        [("channel", "/channels/xiangtu/index.m3u8"), ("lesson", "/lessons/grape-pruning/index.m3u8")]
    {
        let html = page("zh-Hans", name);
        let plain =
            html.split("<noscript>").nth(2).and_then(|r| r.split("</noscript>").next()).expect("noscript");
        assert!(plain.contains("<video") && plain.contains(source), "{name}");
        assert!(html.contains(&format!("href=\"{source}\"")), "{name}");
    }
}

#[test]
fn a_site_s_kinds_of_seconds_stand_apart() {
    let html = page("en", "site");
    for (kind, said) in [("delivered", "2:04:10"), ("watched", "2:03:40"), ("verified", "2:03:00")] {
        let cell = html.split(&format!("data-total=\"{kind}\"")).nth(1).expect("a total");
        assert!(cell.starts_with(" data-seconds") && cell[..120].contains(said), "{kind}");
    }
    assert!(html.contains("\" data-delivered=\"3725\" data-watched=\"3710\""));
    assert!(page("zh-Hans", "site-empty").contains("这一天没有观看记录"));
}

#[test]
fn whoever_saves_data_gets_no_pictures() {
    let (page_lang, tz, county) = (lang("en"), county_zone(), county());
    let at = |saver| PageContext {
        lang: &page_lang,
        languages: &[],
        now: now(),
        tz: &tz,
        county: &county,
        path: "/lessons",
        saver,
    };
    let mut lessons = lessons();
    lessons[0].poster = "/lessons/grape-pruning/poster.jpg".to_owned();
    let render = |saver| {
        LessonsPage { lessons: lessons.clone(), ..LessonsPage::default() }.render(&at(saver)).expect("a page")
    };
    assert!(render(false).contains("<img") && render(false).contains("/lessons?saver=1"));
    assert!(!render(true).contains("<img") && render(true).contains("/lessons?saver=0"));
    assert!(render(false).contains("as of Monday, 23 November 2026, 19:42"), "for an old copy");
}

#[test]
fn the_screen_carries_what_is_on() {
    let (page_lang, tz, county) = (lang("ug-Arab"), county_zone(), county());
    let ctx = PageContext {
        lang: &page_lang,
        languages: &[],
        now: now(),
        tz: &tz,
        county: &county,
        path: "/tv",
        saver: false,
    };
    let audio = langs(&["zh-Hans", "ug-Arab"]);
    let tv = |card| TvChannel { card, audio: audio.clone(), subtitles: vec![] };
    let page =
        TvPage { channels: channels().into_iter().map(tv).collect(), lessons: lessons(), evenings: vec![] };
    let html = page.render(&ctx).expect("a page");
    assert!(html.contains("<html lang=\"ug-Arab\" dir=\"rtl\">"));
    assert!(!html.contains("<style") && !html.contains(" style="));
    let data = html.split("id=\"tv-data\">").nth(1).and_then(|r| r.split("</script>").next()).expect("data");
    let data: serde_json::Value = serde_json::from_str(data).expect("JSON");
    assert_eq!(data["offset_s"], 8 * 3600);
    assert_eq!(data["channels"][0]["now"]["start"], "2026-11-23T11:30:00Z");
    assert_eq!(data["channels"][0]["now"]["title"]["dir"], "rtl");
    assert_eq!(data["names"]["zh-Hans"], "中文");
    assert_eq!(data["lessons"].as_array().map(Vec::len), Some(lessons().len()));
    assert!(data["texts"]["script-tv-since"].as_str().is_some_and(|t| t.contains("{time}")));
}

proptest! {
    #[test]
    fn no_title_breaks_out_of_a_page(title in "[<>&\"'/a-z葡\\\\!-]{1,40}") {
        let (page_lang, tz) = (lang("zh-Hans"), county_zone());
        let titles = Titles([(lang("zh-Hans"), format!("</script>{title}"))].into());
        let mut card = channels().remove(0);
        card.names = titles.clone();
        let ctx = PageContext {
            lang: &page_lang, languages: &[], now: now(), tz: &tz, county: &titles, path: "/", saver: false,
        };
        let html = ChannelPage { card, audio: vec![], subtitles: vec![] }.render(&ctx).expect("a page");
        prop_assert_eq!(html.matches("</script>").count(), 3);
        let raw = format!("</script>{title}");
        prop_assert!(!html.contains(&raw));
    }
}

/// `YUANJIAO_PAGES=DIR` writes every sample page there, to be looked at.
#[test]
fn sample_pages_can_be_looked_at() {
    let Some(dir) = std::env::var_os("YUANJIAO_PAGES").map(std::path::PathBuf::from) else { return };
    let mut index = String::new();
    for tag in ["zh-Hans", "ug-Arab", "en"] {
        for (name, html) in pages(tag) {
            std::fs::write(dir.join(format!("{name}.{tag}.html")), html).expect("written");
            writeln!(index, "{name}.{tag}.html").expect("a String");
        }
    }
    std::fs::write(dir.join("index.txt"), index).expect("written");
}
