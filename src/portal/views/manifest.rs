//! The web app manifest (W3C): name, icons and shortcuts of the site as an app.

use serde_json::{Value, json};

use crate::base::{Lang, Titles};
use crate::portal::i18n;

/// `Content-Type` of the manifest.
pub const MANIFEST: &str = "application/manifest+json";

/// The manifest in `lang`, for the county of these names. The address it
/// starts at names no language: the one chosen last stands in a cookie.
pub fn manifest(lang: &Lang, county: &Titles) -> Value {
    let t = |key: &str| i18n::text(lang, key, &[]);
    let name = match county.best(lang) {
        Some((_, county)) => format!("{} · {county}", t("site-name")),
        None => t("site-name"),
    };
    let icon = |file: &str, size: u32, purpose: &str| {
        json!({
            "src": format!("/assets/{file}.png"), "sizes": format!("{size}x{size}"),
            "type": "image/png", "purpose": purpose,
        })
    };
    let shortcut = |name: String, url: &str| json!({ "name": name, "url": url, "icons": [icon("icon-192", 192, "any")] });
    json!({
        "id": "/", "start_url": "/", "scope": "/", "display": "standalone",
        "lang": lang, "dir": lang.direction().as_str(),
        "name": name, "short_name": t("site-name"), "description": t("site-tagline"),
        "background_color": "#fbf6ee", "theme_color": "#0b5560",
        "icons": [
            icon("icon-192", 192, "any"), icon("icon-512", 512, "any"),
            icon("icon-maskable-192", 192, "maskable"), icon("icon-maskable-512", 512, "maskable"),
        ],
        "shortcuts": [shortcut(t("nav-guide"), "/guide"), shortcut(t("nav-lessons"), "/lessons")],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_app_is_named_in_the_person_s_language() {
        let county = Titles::from([("zh-Hans", "示范县"), ("ug-Arab", "ئۈلگە ناھىيەسى")]);
        let lang = Lang::new("ug-Arab").expect("a tag");
        let app = manifest(&lang, &county);
        assert_eq!(app["dir"], "rtl");
        assert_eq!(app["lang"], "ug-Arab");
        assert_eq!(app["name"], "يىراق مائارىپ · ئۈلگە ناھىيەسى");
        assert_eq!(app["shortcuts"][1]["url"], "/lessons");
        let maskable = |i: &&Value| i["purpose"] == "maskable";
        assert_eq!(app["icons"].as_array().map(|all| all.iter().filter(maskable).count()), Some(2));
    }
}
