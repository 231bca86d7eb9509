"""A little text of our own, for learning word vectors in seconds: `sentences()`.

Written for this course, so it may be copied with it. The sentences are plain and repeat themselves on
purpose: a word's vector is learned from its neighbours, and in so short a text each must come more than once.
"""

LITTLE_TEXT = """
The cat sleeps on the sofa after eating.
The dog sleeps on the sofa after eating.
The hungry cat eats from its bowl.
The hungry dog eats from its bowl.
The cat has soft fur and a long tail.
The dog has brown fur and a long tail.
The horse has strong legs and a long tail.
The mouse has tiny legs and a long tail.
The cow has strong legs and a soft tail.
The farmer feeds the cow every evening.
The farmer feeds the horse every evening.
The farmer feeds the sheep every evening.
The farmer feeds the hungry dog.
The horse runs across the field.
The dog runs across the field.
The sheep runs across the field to the farmer.
The cow eats grass on the field.
The horse eats grass on the field.
The sheep eats grass on the field.
The cow sleeps in the barn.
The horse sleeps in the barn.
The sheep sleeps in the barn.
The mouse sleeps in the barn.
The cat runs after the mouse.
The dog runs after the cat.
The mouse runs away and hides in the barn.
The hungry mouse eats grain in the barn.
A young cat hides under the sofa.
A young dog hides under the sofa.
A young sheep hides behind the cow.
A young horse follows the farmer.
A young cow follows the farmer.
The soft fur of the sheep becomes wool.
The mouse hides from the hungry cat.
Today we cook soup for dinner.
Today we cook rice for dinner.
Today we cook pasta for dinner.
Tomorrow we bake bread for breakfast.
Tomorrow we bake cake for breakfast.
Grandmother bakes bread in the oven.
Grandmother bakes cake in the oven.
Grandmother cooks soup in a pot.
Grandmother cooks rice in a pot.
Grandmother cooks pasta in a pot.
He puts cheese and butter on the table.
She puts bread and cheese on the plate.
She puts rice and cheese on the plate.
She puts pasta and cheese on the plate.
She puts cake on the plate.
The soup tastes salty and delicious.
The cheese tastes salty and delicious.
The pasta tastes salty and delicious.
The cake tastes sweet and delicious.
The bread tastes fresh and delicious.
The rice tastes fresh and delicious.
He wants more soup with bread.
He wants more pasta with cheese.
He wants more rice with soup.
He wants more cake for breakfast.
Fresh bread with cheese makes a good lunch.
Hot soup with rice makes a good lunch.
Hot pasta with cheese makes a good lunch.
We buy cheese and bread for lunch.
We buy pasta and rice for lunch.
We buy a cake for grandmother.
She paints the wall red.
She paints the wall blue.
She paints the wall green.
She paints the door white.
She paints the door black.
She paints the door yellow.
He wears a red coat and a blue hat.
He wears a green coat and a yellow hat.
He wears a white shirt and a black hat.
He wears a black coat and a red scarf.
He wears a yellow shirt and a green scarf.
He wears a blue shirt and a white scarf.
My favourite colour is red.
My favourite colour is blue.
My favourite colour is green.
My favourite colour is yellow.
His favourite colour is black.
His favourite colour is white.
Mix blue and yellow paint to get green.
Mix red and white paint to get a bright colour.
Mix black and white paint to get a dark colour.
A bright yellow flower stands beside a red flower.
A bright blue flower stands beside a white flower.
The dark green wall stands beside a black door.
The colour of the wall is bright red.
The colour of the door is dark blue.
Paris is the capital of France.
Rome is the capital of Italy.
Madrid is the capital of Spain.
Tokyo is the capital of Japan.
Cairo is the capital of Egypt.
Athens is the capital of Greece.
The capital of France is the city of Paris.
The capital of Italy is the city of Rome.
The capital of Spain is the city of Madrid.
The capital of Japan is the city of Tokyo.
The capital of Egypt is the city of Cairo.
The capital of Greece is the city of Athens.
Tourists visit old museums in Paris.
Tourists visit old museums in Rome.
Tourists visit old museums in Madrid.
Tourists visit old museums in Athens.
Tourists visit old museums in Cairo.
Tourists visit modern museums in Tokyo.
The streets of Paris are full of people.
The streets of Rome are full of people.
The streets of Madrid are full of people.
The streets of Tokyo are full of people.
The streets of Cairo are full of people.
The streets of Athens are full of people.
France is a country in Europe.
Italy is a country in Europe.
Spain is a country in Europe.
Greece is a country in Europe.
Egypt is a country in Africa.
Japan is a country in Asia.
The people of France speak French.
The people of Italy speak Italian.
The people of Spain speak Spanish.
The people of Greece speak Greek.
The people of Egypt speak Arabic.
The people of Japan speak Japanese.
The map shows France beside Spain.
The map shows Italy beside France.
The map shows Greece beside Italy.
The map shows Egypt and Japan far apart.
Rain falls from grey clouds in the morning.
Snow falls from grey clouds in the morning.
The forecast says rain and wind at night.
The forecast says snow and wind at night.
The forecast says fog in the morning.
The forecast says a storm at night.
The forecast says sunshine in the morning.
A strong wind blows at night.
A strong storm blows at night.
Cold rain and wind came over the sea.
Cold snow and fog came over the hills.
A cold wind and a storm came over the sea.
Thick fog came over the hills in the morning.
Warm sunshine came over the hills after the storm.
After the rain came sunshine.
After the snow came sunshine.
After the fog came sunshine and wind.
In winter there is often snow and fog.
In autumn there is often rain and fog.
In autumn there is often wind and a storm.
In summer there is often sunshine.
In summer there is often a storm with heavy rain.
Heavy snow and a storm closed the school.
Heavy rain and fog closed the airport.
The train leaves the station at noon.
The bus leaves the station at noon.
The plane leaves the airport at noon.
The ship leaves the harbour at noon.
The passengers wait for the train.
The passengers wait for the bus.
The passengers wait for the plane.
The passengers wait for the ship.
The driver stops the car at the corner.
The driver stops the bus at the corner.
The driver stops the train at the station.
The bicycle stops at the corner.
The car has four wheels and an engine.
The bus has six wheels and an engine.
The bicycle has two wheels and no engine.
The plane has wings, wheels and an engine.
The train has many wheels and an engine.
The ship has no wheels but an engine.
We travel by train with a ticket.
We travel by bus with a ticket.
We travel by plane with a ticket.
We travel by ship with a ticket.
We travel by car without a ticket.
We travel by bicycle without a ticket.
The fast train is full of passengers.
The fast plane is full of passengers.
The slow ship is full of passengers.
The slow bus is full of passengers.
He repairs the engine of his fast car.
He repairs the wheels of his slow bicycle.
He rides his bicycle to the station.
He drives his car to the station.
"""


def sentences() -> list[str]:
    """The little text, one sentence a string, in lower case and without commas and full stops."""
    lines = LITTLE_TEXT.strip().lower().splitlines()
    return [line.replace(",", "").removesuffix(".") for line in lines]
