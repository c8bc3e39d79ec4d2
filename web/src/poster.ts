// The sheet for the notice board: letters the device lacks, and the way to the printer.
import { fetchMissingLetters } from "./letters";

fetchMissingLetters();
const button = document.getElementById("print");
if (button !== null) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}
