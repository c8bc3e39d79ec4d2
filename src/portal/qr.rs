//! What a telephone reads.

/// `text` as an SVG drawing, for inside a page.
pub(in crate::portal) fn square(text: &str) -> Result<String, String> {
    let qr = qrcode::QrCode::new(text.as_bytes()).map_err(|e| e.to_string())?;
    let svg = qr.render::<qrcode::render::svg::Color<'_>>().min_dimensions(220, 220).build();
    // Inside a page the drawing needs no prologue.
    Ok(svg.split_once("?>").map_or(svg.as_str(), |(_, rest)| rest).to_owned())
}
