// What every page loads: the remote control's arrows, parts that stay fresh,
// and the guide's way to the present.
import { startNavigation } from "./navigation";
import { showPresent } from "./present";
import { startRefresh } from "./refresh";

startNavigation();
startRefresh();
showPresent();
