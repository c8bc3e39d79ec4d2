// The entry of a schedule's page: the week's list becomes a grid in which
// programmes are moved and stretched.
import { Grid } from "./grid";

const list = document.querySelector<HTMLElement>("[data-grid]");
const texts = document.getElementById("grid-texts");
if (list !== null && texts !== null) new Grid(list, texts.dataset as Record<string, string>);
