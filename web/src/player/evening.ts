// The entry of the page that plays lessons one after another. The address
// remembers which one plays: after a power cut the evening goes on there.
import { type Item, type PlayerData, readData } from "./data";
import { Player } from "./player";

interface EveningData extends PlayerData {
  readonly items: readonly Item[];
}

const data = readData() as EveningData;
const links = Array.from(document.querySelectorAll<HTMLAnchorElement>("[data-play]"));
const named = Number(location.hash.slice(1)) - 1;
let at = data.items[named] === undefined ? 0 : named;

function mark(): void {
  for (const link of links) {
    if (Number(link.dataset.play) === at) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
  history.replaceState(null, "", `#${at + 1}`);
}

function play(next: number): void {
  const item = data.items[next];
  if (item === undefined) return; // The last one is over.
  at = next;
  mark();
  player.go(item);
}

const player = new Player({ ...data, ...data.items[at] }, () => play(at + 1));
for (const link of links) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    play(Number(link.dataset.play));
  });
}
mark();
player.start();
