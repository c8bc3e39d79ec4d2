// The entry of pages with a player.
import { startTaking } from "../taken/panel";
import { Player } from "./player";

new Player().start();
startTaking();
