// What every page loads: letters the device lacks, the remote control's arrows,
// parts that stay fresh, and the guide's way to the present.
import { fetchMissingLetters } from "./letters";
import { startNavigation } from "./navigation";
import { showPresent } from "./present";
import { startRefresh } from "./refresh";

fetchMissingLetters();
startNavigation();
startRefresh();
showPresent();
