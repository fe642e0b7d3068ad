// Makes the tables, and the token: Unleash does both when it starts.
import { start } from 'unleash-server';
const { stop } = await start();
await stop();
process.exit(0);
