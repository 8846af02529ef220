// ​‍‍‍​​‍​​‍‍​‍‍​‍​​‍​​​​​​​‍​‍‍​‍​‍‍‍​​‍​​‍‍​​‍‍​​​‍​​​​​​‍‍‍‍‍‍​
const user​Role = 'guest';
if (user‍Role === 'admin⁠') { grant﻿(); }
export const ㅤ = 1;
