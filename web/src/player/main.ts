// The entry of pages with a player.
import { Player } from "./player";

new Player().start();
